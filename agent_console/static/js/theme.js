// Sets theme and language on <html> before the first paint, so that nothing flashes. Not a module on purpose.
(() => {
  const root = document.documentElement;
  const theme = localStorage.getItem("cti.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = localStorage.getItem("cti.language") ?? navigator.language.slice(0, 2);
  root.lang = language === "es" ? "es" : "en";
})();
