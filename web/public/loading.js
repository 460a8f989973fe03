// A file of a page that did not arrive: the connection broke, or a newer Rapport with other files
// runs by now. The page is loaded again, once a minute at most and only when the server answers;
// else it says so. Kept apart from the bundles because it speaks when they are missing.
(function () {
  var key = 'rapport-loaded-again';
  var pauseMs = 60000;

  function mayLoadAgain() {
    try {
      if (Date.now() - Number(sessionStorage.getItem(key) || 0) < pauseMs) return false;
      sessionStorage.setItem(key, String(Date.now()));
      return true;
    } catch (e) {
      return false;
    }
  }

  function loadAgain() {
    return fetch('/health/live', { cache: 'no-store' }).then(
      function (answer) {
        if (!answer.ok || !mayLoadAgain()) return false;
        location.reload();
        return true;
      },
      function () {
        return false;
      },
    );
  }

  function say() {
    var root = document.getElementById('root');
    if (!root || root.childElementCount > 0) return;
    var note = document.createElement('p');
    note.setAttribute('role', 'alert');
    note.style.cssText = 'max-width:30rem;margin:20vh auto 0;padding:0 1rem;text-align:center';
    note.append('This page did not load completely. ');
    var link = document.createElement('a');
    link.href = location.href;
    link.textContent = 'Load it again';
    note.append(link);
    root.append(note);
  }

  // A part that a page fetches when it is opened; the page itself shows the error meanwhile.
  addEventListener('vite:preloadError', loadAgain);
  // The page's own script, or one that it imports. Errors of elements do not bubble.
  addEventListener(
    'error',
    function (event) {
      if (!(event.target instanceof HTMLScriptElement) || event.target.type !== 'module') return;
      loadAgain().then(function (again) {
        if (!again) say();
      });
    },
    true,
  );
})();
