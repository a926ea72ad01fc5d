// Sends a text, a template and a picture with whatsapp-api-js, as its documentation says, and prints
// each status.
//
// Arguments: the simulator's address, the port to listen on for webhooks, a picture. MODULES names the
// directory that the library is installed in.
// Prints one line per sent message, `sent KIND ID`, and one per status, `status ID WORD`.

import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [simulator, port, picture] = process.argv.slice(2);
const load = (name) => {
    const found = createRequire(`${process.env.MODULES}/`).resolve(name);
    return import(pathToFileURL(found).href);
};
const { WhatsAppAPI } = await load("whatsapp-api-js");
const { BodyComponent, BodyParameter, Image, Language, Template, Text } = await load(
    "whatsapp-api-js/messages"
);

const phone = "106540352242922";
const whatsapp = new WhatsAppAPI({
    token: "simulator-token",
    appSecret: "simulator-app-secret",
    webhookVerifyToken: "simulator-verify-token",
    v: "v24.0",
    ponyfill: {
        subtle: webcrypto.subtle,
        // The library has no setting for the API's address; the fetch it uses is one's own.
        fetch: (url, options) =>
            fetch(String(url).replace("https://graph.facebook.com", simulator), options),
    },
});

whatsapp.on.status = ({ id, status }) => {
    console.log("status", id, status);
};

createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
        const raw = Buffer.concat(parts).toString("utf8");
        try {
            const signature = request.headers["x-hub-signature-256"];
            await whatsapp.post(JSON.parse(raw), raw, signature);
            response.writeHead(200).end();
        } catch (error) {
            console.log("refused", error);
            response.writeHead(500).end();
        }
    });
}).listen(Number(port), "127.0.0.1");

const to = { phone: "+15551230001" };
const say = (kind, answer) => {
    if (!answer.messages) throw new Error(JSON.stringify(answer));
    console.log("sent", kind, answer.messages[0].id);
};
say("text", await whatsapp.sendMessage(phone, to, new Text("hello")));
const order = new Template(
    "pedido_enviado",
    new Language("en_US"),
    new BodyComponent(new BodyParameter("Ana"), new BodyParameter("#1042"))
);
say("template", await whatsapp.sendMessage(phone, to, order));
const form = new FormData();
form.set("file", new Blob([readFileSync(picture)], { type: "image/png" }), "box.png");
const media = await whatsapp.uploadMedia(phone, form);
say("image", await whatsapp.sendMessage(phone, to, new Image(media.id, true, "a box")));

// The test closes our standard input when it has seen enough.
process.stdin.on("end", () => process.exit(0)).resume();
