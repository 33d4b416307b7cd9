// No module, so that it runs before the page is first drawn.
try {
  document.documentElement.dataset.theme = localStorage.getItem("emotion-theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto";
}
