const NAME = "emotion-theme";

function stored() {
  try {
    return localStorage.getItem(NAME) ?? "auto";
  } catch {
    return "auto";
  }
}

/** Let a select choose between the system's scheme, light and dark; `theme.js` applies it before the page is drawn. */
export function bindThemeChoice(select, onChange) {
  select.value = stored();
  select.addEventListener("change", () => {
    document.documentElement.dataset.theme = select.value;
    try {
      localStorage.setItem(NAME, select.value);
    } catch {
      // it holds for this visit
    }
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}
