// Runs before the first paint so that a dark page never flashes white. Kept apart from the bundles
// because the Content-Security-Policy allows no inline script.
(function () {
  var chosen = 'auto';
  try {
    chosen = localStorage.getItem('rapport-color-scheme') || 'auto';
  } catch (e) {}
  var dark =
    chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
