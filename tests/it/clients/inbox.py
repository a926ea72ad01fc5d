"""Sends a text, a template and a picture with pywa, as its documentation says, and prints each status.

Arguments: the simulator's address, the port to listen on for webhooks, a picture.
Prints one line per sent message, `sent KIND ID`, and one per status, `status ID WORD`.
"""

import http.server
import sys
import threading
import urllib.parse

import httpx
from pywa import WhatsApp, types
from pywa.types.templates import BodyText, TemplateLanguage

SIMULATOR, PORT, PICTURE = sys.argv[1:4]


class ToSimulator(httpx.HTTPTransport):
    """The library has no setting for the API's address; its client's transport is one's own."""

    def handle_request(self, request):
        url = httpx.URL(SIMULATOR)
        request.url = request.url.copy_with(scheme=url.scheme, host=url.host, port=url.port)
        request.headers["Host"] = f"{url.host}:{url.port}"
        return super().handle_request(request)


wa = WhatsApp(
    phone_id="106540352242922",
    token="simulator-token",
    app_secret="simulator-app-secret",
    verify_token="simulator-verify-token",
    server=None,
    session=httpx.Client(transport=ToSimulator()),
)


@wa.on_message_status
def on_status(_: WhatsApp, status: types.MessageStatus):
    print("status", status.id, status.status.value, flush=True)


class Hook(http.server.BaseHTTPRequestHandler):
    """A server of one's own, as the library calls it: it hands the updates over."""

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        right = query.get("hub.verify_token") == "simulator-verify-token"
        self.answer(query.get("hub.challenge", ""), 200 if right else 403)

    def do_POST(self):
        update = self.rfile.read(int(self.headers["Content-Length"]))
        refused = wa.webhook_update_validator(update, self.headers["X-Hub-Signature-256"])
        text, status = refused or wa.webhook_update_handler(update)
        self.answer(text, status)

    def answer(self, text, status):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(PORT)), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()

to = "+15551230001"
print("sent text", wa.send_message(to=to, text="hello").id, flush=True)
template = wa.send_template(
    to=to,
    name="pedido_enviado",
    language=TemplateLanguage.ENGLISH_US,
    params=[BodyText.params("Ana", "#1042")],
)
print("sent template", template.id, flush=True)
with open(PICTURE, "rb") as picture:
    media = wa.upload_media(media=picture.read(), mime_type="image/png", filename="box.png")
print("sent image", wa.send_image(to=to, image=media, caption="a box").id, flush=True)

# The test closes our standard input when it has seen enough.
sys.stdin.read()
