"""Ways for a page to request a camera's data: JavaScript functions from a URL to what the page got, or null."""

FETCH = """url => fetch(url).then(response => response.text()).catch(() => null)"""

FETCH_NO_CORS = """url => fetch(url, {mode: 'no-cors'}).then(response => response.type).catch(() => null)"""
"""The page cannot read such a response, but can store it and display it."""

POST = """url => fetch(url, {method: 'POST', body: 'x'}).then(response => response.text()).catch(() => null)"""

POST_WITH_KEY = """url => fetch(url, {method: 'POST', body: 'x', headers: {'X-API-Key': 'k'}})
    .then(response => response.text()).catch(() => null)"""
"""The browser sends a preflight request first."""

IMAGE = """url => new Promise(resolve => {
    const image = new Image();
    image.onload = () => resolve(image.naturalWidth);
    image.onerror = () => resolve(null);
    image.src = url;
})"""

IMAGE_WITH_CORS = IMAGE.replace("image.src", "image.crossOrigin = 'anonymous'; image.src")

EVENTS = """url => new Promise(resolve => {
    const source = new EventSource(url);
    source.onopen = () => { source.close(); resolve('open'); };
    source.onerror = () => { source.close(); resolve(null); };
})"""

WEBSOCKET = """url => new Promise(resolve => {
    const socket = new WebSocket(url.replace('http', 'ws'));
    socket.onopen = () => { socket.close(); resolve('open'); };
    socket.onerror = () => resolve(null);
})"""

FRAME = """url => new Promise(resolve => {
    const frame = document.createElement('iframe');
    frame.onload = () => resolve(null);
    frame.src = url;
    document.body.append(frame);
})"""
"""The page itself cannot see the content of the frame; a test looks at it through the browser."""

CAMERA = "/cameras/cam0/frame.jpg"
SCRIPTS = {
    "fetch": (FETCH, "/cameras"),
    "fetch without CORS": (FETCH_NO_CORS, CAMERA),
    "post": (POST, "/predict"),
    "post with key": (POST_WITH_KEY, "/predict"),
    "image": (IMAGE, CAMERA),
    "image with CORS": (IMAGE_WITH_CORS, CAMERA),
    "events": (EVENTS, "/cameras/cam0/events"),
    "websocket": (WEBSOCKET, "/ws/cameras/cam0"),
    "frame": (FRAME, CAMERA),
}
