import { setText } from "./components/base.js";
import { Banner, ServicesStrip, bindThemeChoice } from "./components/header.js";
import { KeyDialog } from "./components/key_dialog.js";
import { TabList } from "./components/tab_list.js";
import { problemWords, serviceWords, watchingWords } from "./lib/text.js";
import { GatewayWatch } from "./net/status_poller.js";
import { CamerasTab } from "./pages/cameras.js";
import { ImagesTab } from "./pages/images.js";
import { WebcamTab } from "./pages/webcam.js";

const SLEPT_MS = 30_000;

const byId = (id) => document.getElementById(id);
const announce = (words) => {
  byId("news").textContent = words;
};

const tabs = {
  cameras: new CamerasTab(byId("panel-cameras"), announce),
  webcam: new WebcamTab(byId("panel-webcam"), announce, tellWatching),
  images: new ImagesTab(byId("panel-images"), announce),
};
const services = new ServicesStrip(byId("services"));
const watch = new GatewayWatch(tell);
const banner = new Banner(byId("banner"), () => watch.now());
const keys = new KeyDialog(byId("key-dialog"), byId("forget-key"), () => watch.now());
let before = null;
let toldAt = 0;
let cameras = null;

new TabList(byId("tabs"), (left, shown) => {
  if (left) tabs[left].hide();
  tabs[shown].show();
});
bindThemeChoice(byId("theme"), () => tabs.cameras.tick());
addEventListener("online", () => watch.now());
watch.now();

/** Tell what was found out about the gateway. */
function tell(found) {
  if (found.state === "locked") {
    banner.hide();
    keys.ask();
  } else if (found.state === "gone") {
    services.show(null);
    banner.show("The gateway doesn’t answer.", "What you see is from before. It goes on by itself.", found.retryAt);
  } else {
    keys.accepted();
    if (found.services) services.show(found.services);
    tabs.cameras.update(found.cameras);
    tellTrouble(found);
    if (before !== "up" || Date.now() - toldAt > SLEPT_MS) tabs.cameras.refresh();
  }
  cameras = found.cameras ?? null;
  tellWatching();
  before = found.state;
  toldAt = Date.now();
}

function tellWatching() {
  setText(byId("watching"), watchingWords(cameras, tabs.webcam.isOn));
}

function tellTrouble({ services: states, problem }) {
  const down = Object.entries(states ?? {}).filter(([, { ok }]) => !ok);
  if (down.length > 0) {
    const words = down.map(([name]) => serviceWords(name));
    const why = down.map(([name, { detail }]) => `${name}: ${detail}`).join("; ");
    banner.show(words.map(([headline]) => `${headline}.`).join(" "), `${words[0][1]} (${why})`);
  } else if (problem) {
    const { headline, detail } = problemWords(problem);
    banner.show(`${headline}.`, detail);
  } else {
    banner.hide();
  }
}
