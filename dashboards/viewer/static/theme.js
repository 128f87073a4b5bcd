// Dark or light: chosen before anything is drawn, so that nothing flashes. Not a module, because modules wait.
(() => {
  const asked = new URLSearchParams(location.search).get("theme");
  let kept = null;
  try {
    kept = localStorage.getItem("wakeline.theme");
  } catch {
    // Storage may be forbidden; the system's choice then holds.
  }
  const chosen = [asked, kept].find((one) => one === "dark" || one === "light");
  const system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  document.documentElement.dataset.theme = chosen ?? system;
  document.documentElement.dataset.chosen = chosen ?? "";
})();
