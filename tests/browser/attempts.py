"""Ways in which a page may try to see a camera. Each is a function of JavaScript: address → what it got, or null."""

FETCH = """url => fetch(url).then(answer => answer.text()).catch(() => null)"""

FETCH_UNSEEN = """url => fetch(url, {mode: 'no-cors'}).then(answer => answer.type).catch(() => null)"""
"""A page can't read such an answer, but can keep and show it."""

POST = """url => fetch(url, {method: 'POST', body: 'x'}).then(answer => answer.text()).catch(() => null)"""

POST_WITH_A_KEY = """url => fetch(url, {method: 'POST', body: 'x', headers: {'X-API-Key': 'k'}})
    .then(answer => answer.text()).catch(() => null)"""
"""The browser asks whether it may, first."""

IMAGE = """url => new Promise(done => {
    const image = new Image();
    image.onload = () => done(image.naturalWidth);
    image.onerror = () => done(null);
    image.src = url;
})"""

IMAGE_TO_READ = IMAGE.replace("image.src", "image.crossOrigin = 'anonymous'; image.src")

EVENTS = """url => new Promise(done => {
    const source = new EventSource(url);
    source.onopen = () => { source.close(); done('open'); };
    source.onerror = () => { source.close(); done(null); };
})"""

WEBSOCKET = """url => new Promise(done => {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.onopen = () => { socket.close(); done('open'); };
    socket.onerror = () => done(null);
})"""

FRAME = """url => new Promise(done => {
    const frame = document.createElement('iframe');
    frame.onload = () => done(null);
    frame.src = url;
    document.body.append(frame);
})"""
"""Whether there is a picture in it only the browser can tell, not the page."""

CAMERA = "/cameras/cam0/frame.jpg"
EVERY = {
    "fetch": (FETCH, "/cameras"),
    "fetch unseen": (FETCH_UNSEEN, CAMERA),
    "post": (POST, "/predict"),
    "post with a key": (POST_WITH_A_KEY, "/predict"),
    "image": (IMAGE, CAMERA),
    "image to read": (IMAGE_TO_READ, CAMERA),
    "events": (EVENTS, "/cameras/cam0/events"),
    "websocket": (WEBSOCKET, "/ws/cameras/cam0"),
    "frame": (FRAME, CAMERA),
}
