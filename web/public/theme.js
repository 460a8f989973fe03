// Runs before the first paint so that a dark page never flashes white, and again when the system
// changes its mind. Kept apart from the bundles because the Content-Security-Policy allows no inline
// script.
(function () {
  var system = matchMedia('(prefers-color-scheme: dark)');
  function apply() {
    var chosen = 'auto';
    try {
      chosen = localStorage.getItem('rapport-color-scheme') || 'auto';
    } catch (e) {}
    var dark = chosen === 'dark' || (chosen !== 'light' && system.matches);
    document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
  }
  apply();
  system.addEventListener('change', apply);
})();
