//! What was said in the last ten days. Each line carries how many minutes ago it was said.

use super::super::world::Sample;

/// What became of something the shop wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    Delivered,
    Read,
    /// With Meta's code.
    Failed(u32),
}

/// One line of a conversation. Numbers at the end point to the line that is quoted or reacted to.
#[derive(Debug)]
pub(super) enum Line {
    In(&'static str),
    InReply(&'static str, usize),
    /// Type, file, caption (of a document: its name).
    InFile(&'static str, Sample, &'static str),
    /// Type and the JSON of its body.
    InRaw(&'static str, &'static str),
    /// Something Meta does not pass on, by its kind.
    Unsupported(&'static str),
    React(&'static str, usize),
    Out(&'static str, Fate),
    OutReply(&'static str, usize, Fate),
    OutFile(&'static str, Sample, &'static str, Fate),
    OutReact(&'static str, usize),
}

/// One conversation, oldest line first.
pub(super) struct Script {
    /// The name of the person in the cast.
    pub(super) who: &'static str,
    pub(super) lines: &'static [(u32, Line)],
}

/// Minutes ago.
const fn ago(days: u32, hours: u32, minutes: u32) -> u32 {
    (days * 24 + hours) * 60 + minutes
}

use Fate::{Delivered, Failed, Read, Sent};
use Line::{In, InFile, InRaw, InReply, Out, OutFile, OutReact, OutReply, React, Unsupported};

pub(super) const SCRIPTS: &[Script] = &[
    ANA, BRUNO, CARLA, DAVI, ELISA, NUNES, JOHN, KIM, LUCIA, LAYLA, NOA, MISAKI, YIJUN, JIWOO,
    PRIYA, CAMILLE, JUERGEN,
];

const ANA: Script = Script {
    who: "Ana Souza",
    lines: &[
        (ago(9, 2, 10), In("Oi! Vocês têm a luminária Sol na cor azul?")),
        (ago(9, 2, 4), Out("Oi, Ana! Temos sim 😊 Azul, amarela e terracota.", Read)),
        (ago(9, 2, 3), Out("Sai por R$ 189,00, em até 3x sem juros.", Read)),
        (ago(9, 1, 58), In("Amei! Quero a azul. Pode ser pix?")),
        (
            ago(9, 1, 50),
            Out("Pode! A chave é pix@lojasol.example. Me manda o comprovante por aqui?", Read),
        ),
        (ago(9, 1, 31), InFile("document", Sample::Invoice, "comprovante.pdf")),
        (ago(9, 1, 30), Out("Recebido, obrigado! Pedido *1182* confirmado ✅", Read)),
        (ago(9, 1, 29), React("❤️", 6)),
        (ago(0, 0, 34), In("Oi! Meu pedido 1182 já saiu?")),
        (ago(0, 0, 31), OutReply("Oi Ana! Saiu hoje cedo, a nota está aqui:", 8, Read)),
        (ago(0, 0, 31), OutFile("document", Sample::Invoice, "nota-1182.pdf", Read)),
        (ago(0, 0, 30), In("Perfeito, obrigada!")),
        (ago(0, 0, 3), In("Nossa, chegou agora! Mas a caixa veio aberta 😟")),
        (ago(0, 0, 2), InFile("image", Sample::Parcel, "Olha como chegou")),
    ],
};

const BRUNO: Script = Script {
    who: "Bruno Lima",
    lines: &[
        (ago(1, 3, 0), In("Boa tarde! O abajur de mesa aceita lâmpada LED?")),
        (ago(1, 2, 40), Out("Boa tarde, Bruno! Aceita, sim: soquete E27, até 15 W.", Read)),
        (ago(1, 2, 39), In("Top")),
        (ago(0, 0, 14), InReply("E ainda tem o modelo azul?", 1)),
    ],
};

const CARLA: Script = Script {
    who: "Carla Dias",
    lines: &[
        (ago(0, 5, 20), InFile("audio", Sample::Voice, "")),
        (ago(0, 5, 2), Out("Oi, Carla! Ouvi aqui. Amanhã entre 9h e 12h serve?", Delivered)),
        (ago(0, 4, 50), In("Serve! Vou deixar avisado na portaria 👍🏽")),
        (ago(0, 4, 48), Out("Combinado, até amanhã!", Delivered)),
    ],
};

const DAVI: Script = Script {
    who: "Davi Rocha",
    lines: &[(
        ago(0, 3, 10),
        Out("Oi, Davi! Sua encomenda está pronta para retirada na loja.", Failed(131_026)),
    )],
};

const ELISA: Script = Script {
    who: "Elisa Prado",
    lines: &[
        (ago(4, 6, 0), In("Olá, comprei um pendente e faltou o parafuso")),
        (ago(4, 5, 40), Out("Oi, Elisa! Que chato, desculpa. Envio hoje mesmo um kit novo.", Read)),
        (ago(4, 5, 38), In("Obrigada! Rua das Acácias, 45, Curitiba")),
        (ago(4, 5, 30), Out("Anotado. Chega em 3 dias úteis 📦", Read)),
        (ago(1, 1, 15), Out("Elisa, chegou tudo certinho?", Failed(131_047))),
    ],
};

const NUNES: Script = Script {
    who: "Família Nunes 👨‍👩‍👧‍👦",
    lines: &[
        (ago(2, 4, 0), In("Oi gente!! 👋🏾 a lâmpada chegou e as crianças amaram 👧🏽👦🏽🐶")),
        (ago(2, 3, 59), InFile("image", Sample::Lamp, "ficou linda na sala 💛🏠✨")),
        (ago(2, 3, 58), InFile("sticker", Sample::Sticker, "")),
        (ago(2, 3, 30), Out("Que alegria! 🥹 Podemos repostar a foto? 🏳️‍🌈🇧🇷", Read)),
        (ago(2, 3, 28), In("podem siiim 👨‍👩‍👧‍👦👩🏽‍🚀👍🏽")),
        (ago(2, 3, 20), OutReact("🙏", 4)),
    ],
};

const JOHN: Script = Script {
    who: "John Carter",
    lines: &[
        (
            ago(3, 2, 0),
            In(
                "Hi there! I'm visiting São Paulo next month and I'd love to stop by your shop. Before I do, a \
             few questions, sorry for the long message:\n\n1. Are the lamps 110 V or bivolt? I'd be taking \
             two of them back to the US, so the plug matters as well.\n2. Do you ship to hotels? I'm staying \
             at Rua Augusta, 1200 from the 12th to the 19th.\n3. My sister is allergic to certain varnishes. \
             Do you know what the wooden base is treated with?\n\nIf it's easier, I can also just call. \
             Thanks a lot for your help, your work is beautiful. The terracotta one in the window photo \
             (https://lojasol.example/terracotta?utm_source=whatsapp&utm_medium=chat) is exactly what I have \
             been looking for, for about two years now.",
            ),
        ),
        (
            ago(3, 1, 20),
            Out(
                "Hi John, thanks for the kind words! 1) All of them are bivolt (100-240 V) and we include a US \
             plug. 2) Yes, to any address in São Paulo, same day if you order before noon. 3) It's beeswax, \
             no varnish at all. We'll keep a terracotta one for you until the 19th.",
                Read,
            ),
        ),
        (ago(3, 1, 15), InReply("You are the best. See you on the 12th!", 1)),
        (ago(0, 6, 30), In("Hi again! Small change: I land on the 13th. Is Saturday still fine?")),
        (ago(0, 6, 5), Out("Saturday is fine, we're open from 9 to 2 pm.", Read)),
        (ago(0, 6, 4), React("👍", 4)),
    ],
};

const KIM: Script = Script {
    who: "Kim Moves",
    lines: &[
        (ago(0, 1, 40), In("hey! saw you on instagram, do you have anything for a standing desk?")),
        (ago(0, 1, 30), Out("Hi Kim! We have a clamp lamp, R$ 219. Want a photo?", Read)),
        (ago(0, 1, 28), In("yes please 🙌")),
        (ago(0, 1, 25), OutFile("image", Sample::Lamp, "Clamp lamp, also in white", Read)),
        (ago(0, 0, 52), In("love it. can you deliver without me giving out my number?")),
    ],
};

const LUCIA: Script = Script {
    who: "Lucía Gómez",
    lines: &[
        (ago(5, 2, 0), In("¡Hola! ¿Hacen envíos a México?")),
        (ago(5, 1, 45), Out("¡Hola, Lucía! Sí, tarda de 8 a 12 días. ¿A qué ciudad?", Read)),
        (
            ago(5, 1, 40),
            InRaw(
                "location",
                r#"{"latitude":19.42702,"longitude":-99.16766,"name":"Ángel de la Independencia","address":"Paseo de la Reforma, Ciudad de México"}"#,
            ),
        ),
        (
            ago(5, 1, 39),
            InRaw(
                "contacts",
                r#"[{"name":{"formatted_name":"Mateo Ruiz","first_name":"Mateo","last_name":"Ruiz"},"phones":[{"phone":"+52 55 5555 0120","wa_id":"5215555550120","type":"MOBILE"}]}]"#,
            ),
        ),
        (ago(5, 1, 38), In("Ese es mi primo, él recibe el paquete")),
        (ago(5, 1, 20), Out("Perfecto, lo anoto. El envío cuesta US$ 24.", Read)),
    ],
};

const LAYLA: Script = Script {
    who: "ليلى حداد",
    lines: &[
        (ago(6, 3, 0), In("السلام عليكم، هل يتوفر المصباح باللون الأزرق؟")),
        (ago(6, 2, 30), Out("وعليكم السلام ليلى! نعم متوفر، والسعر 38 دولاراً مع الشحن.", Read)),
        (ago(6, 2, 25), In("ممتاز، أريد اثنين (2) إلى دبي، رقم الطلب السابق ABC-1188 🌷")),
        (ago(0, 2, 20), In("مساء الخير، هل تم شحن الطلب؟")),
    ],
};

const NOA: Script = Script {
    who: "נועה לוי",
    lines: &[
        (ago(7, 1, 0), In("שלום! המנורה Sol מגיעה עם תקע ישראלי?")),
        (ago(7, 0, 40), Out("שלום נועה! כן, אנחנו מצרפים מתאם (סוג H) ללא עלות.", Read)),
        (ago(7, 0, 38), In("מעולה, תודה רבה! 🙏")),
    ],
};

const MISAKI: Script = Script {
    who: "田中 美咲",
    lines: &[
        (
            ago(8, 2, 0),
            In("はじめまして。インスタグラムで拝見しました。日本への発送は可能でしょうか？"),
        ),
        (
            ago(8, 1, 30),
            Out("田中様、お問い合わせありがとうございます。はい、EMSで約10日です。", Read),
        ),
        (ago(8, 1, 20), In("ありがとうございます。では、ブルーをひとつお願いします🙇‍♀️")),
        (ago(2, 9, 0), InFile("image", Sample::Parcel, "無事に届きました！")),
        (ago(2, 8, 30), Out("よかったです！どうぞ末永くお使いください。", Read)),
    ],
};

const YIJUN: Script = Script {
    who: "陳怡君",
    lines: &[
        (ago(3, 8, 0), In("你好，請問燈罩可以單獨購買嗎？")),
        (ago(3, 7, 30), Out("您好！可以的，燈罩單買是 60 元，有藍色、黃色和磚紅色。", Read)),
        (ago(3, 7, 20), Unsupported("poll_creation")),
        (ago(3, 7, 19), In("剛剛傳的投票你們看得到嗎？")),
        (ago(3, 7, 0), Out("抱歉，這裡看不到投票，可以直接用文字告訴我們嗎？", Delivered)),
    ],
};

const JIWOO: Script = Script {
    who: "김지우",
    lines: &[
        (ago(1, 10, 0), In("안녕하세요! 조명 설치는 어렵지 않나요?")),
        (
            ago(1, 9, 40),
            Out("안녕하세요, 지우님! 나사 두 개면 끝나요. 설명서도 같이 보내드릴게요.", Read),
        ),
        (ago(1, 9, 39), OutFile("document", Sample::Invoice, "설치-안내.pdf", Read)),
        (ago(1, 9, 30), In("와, 감사합니다 👍")),
    ],
};

const PRIYA: Script = Script {
    who: "प्रिया शर्मा",
    lines: &[
        (ago(0, 9, 0), In("नमस्ते, क्या यह लैंप दिल्ली भेज सकते हैं?")),
        (ago(0, 8, 45), Out("नमस्ते प्रिया जी! हाँ, लगभग 12 दिन लगते हैं।", Read)),
        (ago(0, 8, 40), In("क्षत्रिय भवन, कनॉट प्लेस, नई दिल्ली 110001 🙏")),
        (ago(0, 8, 39), InRaw("event_invite", r#"{"name":"दीवाली मेला","start":"2026-11-08"}"#)),
    ],
};

const CAMILLE: Script = Script {
    who: "Camille Bernard",
    lines: &[
        (ago(4, 3, 0), In("Bonjour ! Est-ce que vous faites des remises pour les architectes ?")),
        (ago(4, 2, 30), Out("Bonjour Camille ! Oui, 15 % à partir de cinq pièces.", Read)),
        (ago(4, 2, 29), In("Parfait, je reviens vers vous après Noël 🎄")),
        (ago(4, 2, 20), Out("Avec plaisir, à bientôt !", Sent)),
        (ago(0, 23, 12), In("Bonjour ! La remise vaut aussi pour les suspensions ?")),
    ],
};

const JUERGEN: Script = Script {
    who: "Jürgen Groß",
    lines: &[
        (ago(6, 5, 0), In("Guten Tag, wie groß ist der Schirm? Größe in cm bitte.")),
        (ago(6, 4, 30), Out("Guten Tag, Herr Groß! Durchmesser 28 cm, Höhe 34 cm.", Read)),
        (
            ago(6, 4, 20),
            InRaw(
                "order",
                r#"{"catalog_id":"194836987003835","text":"","product_items":[{"product_retailer_id":"luminaria-sol-azul","quantity":2,"item_price":189,"currency":"BRL"}]}"#,
            ),
        ),
        (ago(6, 4, 0), Out("Danke für die Bestellung! Die Rechnung kommt gleich.", Read)),
        (ago(6, 3, 50), OutFile("document", Sample::Invoice, "rechnung-1171.pdf", Read)),
        (ago(5, 2, 0), Out("10 % auf alle Leuchten, nur diese Woche!", Read)),
        (ago(5, 1, 40), In("STOP")),
    ],
};
