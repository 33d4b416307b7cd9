const NAME = "emotion-key";

/** The API key: kept for this tab until it is closed, and nowhere else. */
export const keyStore = {
  get() {
    try {
      return sessionStorage.getItem(NAME) ?? "";
    } catch {
      return ""; // storage is forbidden
    }
  },

  set(key) {
    try {
      if (key) sessionStorage.setItem(NAME, key);
      else sessionStorage.removeItem(NAME);
    } catch {
      // then it is asked for again
    }
  },
};
