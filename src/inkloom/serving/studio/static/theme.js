/* The colours that were chosen, before anything is painted; the system's where nothing was. */
function chooseTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("inkloom-theme", theme);
  } catch {} // a browser that keeps nothing shows the choice until the page is left
}
function chosenTheme() {
  try {
    return localStorage.getItem("inkloom-theme") ?? "system";
  } catch {
    return "system";
  }
}
document.documentElement.dataset.theme = chosenTheme();
