// A classic script: it runs before the first paint, which a module does not.
try {
  document.documentElement.dataset.theme = localStorage.getItem("emotion-theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto";
}
