import { setText } from "./components/base.js";
import { Banner, bindThemeSelect, ServiceStatus } from "./components/header.js";
import { KeyDialog } from "./components/key_dialog.js";
import { TabList } from "./components/tab_list.js";
import { activeCamerasText, problemText, serviceProblem } from "./lib/text.js";
import { apiKey } from "./net/api.js";
import { StatusPoller } from "./net/status_poller.js";
import { CamerasPage } from "./pages/cameras.js";
import { ImagesPage } from "./pages/images.js";
import { WebcamPage } from "./pages/webcam.js";

const SLEEP_MS = 30_000;

const byId = (id) => document.getElementById(id);
const announce = (text) => {
  byId("announcements").textContent = text;
};

const pages = {
  cameras: new CamerasPage(byId("panel-cameras"), announce),
  webcam: new WebcamPage(byId("panel-webcam"), announce, showActiveCameras),
  images: new ImagesPage(byId("panel-images"), announce),
};
const services = new ServiceStatus(byId("services"));
const poller = new StatusPoller(onStatus);
const banner = new Banner(byId("banner"), () => poller.pollNow());
const keyDialog = new KeyDialog(byId("key-dialog"), byId("remove-key"), { store: apiKey, onKey: () => poller.pollNow() });
let previousState = null;
let statusAt = 0;
let cameras = null;

new TabList(byId("tabs"), (previous, selected) => {
  if (previous) pages[previous].hide();
  pages[selected].show();
});
bindThemeSelect(byId("theme"), () => pages.cameras.tick());
addEventListener("online", () => poller.pollNow());
poller.pollNow();

function onStatus(status) {
  if (status.state === "unauthorized") {
    banner.hide();
    keyDialog.request();
  } else if (status.state === "unreachable") {
    services.show(null);
    banner.show("The gateway does not respond.", "The page shows the last values that it received.", status.retryAt);
  } else {
    keyDialog.showAccepted();
    if (status.services) services.show(status.services);
    pages.cameras.update(status.cameras);
    showProblems(status);
    if (previousState !== "up" || Date.now() - statusAt > SLEEP_MS) pages.cameras.reconnectIfStale();
  }
  cameras = status.cameras ?? null;
  showActiveCameras();
  previousState = status.state;
  statusAt = Date.now();
}

function showActiveCameras() {
  setText(byId("active-cameras"), activeCamerasText(cameras, pages.webcam.isOn));
}

function showProblems({ services: states, problem }) {
  const down = Object.entries(states ?? {}).filter(([, { ok }]) => !ok);
  if (down.length > 0) {
    const texts = down.map(([name]) => serviceProblem(name));
    const reasons = down.map(([name, { detail }]) => `${name}: ${detail}`).join("; ");
    banner.show(texts.map(([headline]) => `${headline}.`).join(" "), `${texts[0][1]} (${reasons})`);
  } else if (problem) {
    const { headline, detail } = problemText(problem);
    banner.show(`${headline}.`, detail);
  } else {
    banner.hide();
  }
}
