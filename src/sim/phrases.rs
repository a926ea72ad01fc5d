//! What personas say, by language: short, everyday lines of people who buy lamps.

use super::config::Language;

/// The lines of one language.
pub(super) struct Phrases {
    /// To a greeting or anything else.
    general: &'static [&'static str],
    /// To a question.
    question: &'static [&'static str],
    /// To a file, a picture or a place.
    media: &'static [&'static str],
    /// Below a picture of one's own.
    pub(super) photo: &'static [&'static str],
    /// Out of the blue.
    pub(super) opening: &'static [&'static str],
}

impl Phrases {
    /// The lines that fit a message of this type and text.
    pub(super) fn answers_to(&self, kind: &str, text: &str) -> &'static [&'static str] {
        match kind {
            "image" | "video" | "audio" | "document" | "sticker" | "location" | "contacts" => {
                self.media
            }
            _ if text.contains(['?', '？', '؟']) => self.question,
            _ => self.general,
        }
    }
}

/// The lines of a language.
pub(super) const fn of(language: Language) -> &'static Phrases {
    match language {
        Language::Portuguese => &PORTUGUESE,
        Language::English => &ENGLISH,
        Language::Spanish => &SPANISH,
        Language::French => &FRENCH,
        Language::German => &GERMAN,
        Language::Arabic => &ARABIC,
        Language::Hebrew => &HEBREW,
        Language::Hindi => &HINDI,
        Language::Japanese => &JAPANESE,
        Language::Chinese => &CHINESE,
        Language::Korean => &KOREAN,
    }
}

const PORTUGUESE: Phrases = Phrases {
    general: &[
        "Perfeito, muito obrigada! 🙏",
        "Ah, que bom! Fico no aguardo então",
        "Entendi. E dá pra mudar o endereço de entrega?",
        "Show, valeu demais 😄",
        "Combinado! Qualquer coisa eu chamo aqui",
        "Nossa, que rapidez. Obrigada mesmo!",
    ],
    question: &[
        "Pode ser sim, sem problema",
        "É o pedido 1182, feito na terça",
        "Deixa eu ver aqui e já te falo",
        "Prefiro a azul, se ainda tiver",
        "Amanhã de manhã tem gente em casa",
    ],
    media: &[
        "Recebi aqui, obrigada!",
        "Ficou linda 😍",
        "Abri certinho, valeu",
        "Ah, agora entendi!",
    ],
    photo: &["Olha como chegou", "É essa aqui ó", "Ficou assim na sala 💛"],
    opening: &[
        "Oi! Vocês abrem no sábado?",
        "Boa tarde, a luminária azul voltou?",
        "Oi, meu rastreio não atualiza desde ontem 😕",
        "Bom dia! Fazem entrega em Santos?",
    ],
};

const ENGLISH: Phrases = Phrases {
    general: &[
        "Great, thank you so much!",
        "Perfect, I'll wait for the tracking then",
        "Got it. Could you also add a gift note?",
        "Awesome, that was quick 👌",
        "Thanks! I'll tell my sister about you",
    ],
    question: &[
        "Yes please!",
        "It's order 1190, placed on Monday",
        "Let me check and get back to you",
        "The smaller one, if you still have it",
        "Either is fine, whatever ships first",
    ],
    media: &["Got it, thanks", "Looks lovely 😍", "Opened fine on my phone", "Oh, now I see"],
    photo: &["This is how it arrived", "That's the one I mean", "Looks great on the shelf!"],
    opening: &[
        "Hi! Do you ship to Portugal?",
        "Hello, is the desk lamp dimmable?",
        "Hey, quick question about my invoice",
    ],
};

const SPANISH: Phrases = Phrases {
    general: &[
        "¡Genial, muchas gracias!",
        "Perfecto, quedo pendiente",
        "Vale, entendido. ¿Y tienen en color verde?",
        "¡Qué rápido! Gracias 🙌",
        "De acuerdo, mañana lo reviso",
    ],
    question: &[
        "Sí, por favor",
        "Es el pedido 1175, a nombre de Lucía",
        "Déjame ver y te digo",
        "La grande, la del catálogo",
    ],
    media: &["Recibido, gracias", "¡Qué bonita!", "Ahora sí lo veo", "Perfecto, ya la abrí"],
    photo: &["Mira cómo llegó", "Es esta de aquí", "Así quedó en la mesita"],
    opening: &[
        "Hola, ¿hacen envíos a Ciudad de México?",
        "Buenas tardes, ¿siguen con la promoción?",
        "Hola, ¿me pueden mandar el catálogo?",
    ],
};

const FRENCH: Phrases = Phrases {
    general: &[
        "Super, merci beaucoup !",
        "Parfait, j'attends de vos nouvelles",
        "D'accord, c'est noté",
        "Merci pour votre réactivité 😊",
    ],
    question: &["Oui, avec plaisir", "C'est la commande 1168", "Je vérifie et je vous dis"],
    media: &["Bien reçu, merci", "Très joli !", "Ah oui, je vois"],
    photo: &["Voilà comment elle est arrivée", "C'est celle-ci"],
    opening: &["Bonjour, livrez-vous en France ?", "Bonjour ! La lampe est-elle garantie ?"],
};

const GERMAN: Phrases = Phrases {
    general: &[
        "Super, vielen Dank!",
        "Alles klar, dann warte ich auf die Sendungsnummer",
        "Perfekt, danke für die schnelle Antwort",
        "Okay, verstanden 👍",
    ],
    question: &["Ja, gerne", "Das ist Bestellung 1171", "Ich schaue kurz nach und melde mich"],
    media: &["Angekommen, danke", "Sieht toll aus!", "Ah, jetzt verstehe ich"],
    photo: &["So kam sie an", "Diese hier meine ich"],
    opening: &["Hallo, liefert ihr auch nach Österreich?", "Guten Tag, ist die Größe L noch da?"],
};

const ARABIC: Phrases = Phrases {
    general: &[
        "شكراً جزيلاً لكم 🌷",
        "تمام، بانتظار رقم الشحنة",
        "ممتاز، الله يعطيكم العافية",
        "حسناً، فهمت. هل يوجد لون آخر؟",
    ],
    question: &["نعم من فضلك", "رقم الطلب 1188", "لحظة أتأكد وأرد عليكم"],
    media: &["وصلت، شكراً", "جميلة جداً 😍", "الآن اتضحت الصورة"],
    photo: &["هكذا وصلت", "أقصد هذه"],
    opening: &["السلام عليكم، هل التوصيل متاح إلى دبي؟", "مساء الخير، كم سعر المصباح الأزرق؟"],
};

const HEBREW: Phrases = Phrases {
    general: &["תודה רבה! 🙏", "מעולה, אחכה לעדכון", "סבבה, הבנתי", "איזה יופי, תודה על השירות"],
    question: &["כן, בבקשה", "הזמנה מספר 1191", "רגע, אני בודקת וחוזרת אליכם"],
    media: &["קיבלתי, תודה", "ממש יפה 😍", "עכשיו זה ברור"],
    photo: &["ככה זה הגיע", "לזה התכוונתי"],
    opening: &["היי, יש משלוחים לישראל?", "שלום, המנורה הכחולה במלאי?"],
};

const HINDI: Phrases = Phrases {
    general: &[
        "बहुत बहुत धन्यवाद 🙏",
        "ठीक है, मैं इंतज़ार करूँगी",
        "अच्छा, समझ गई। क्या यह दूसरे रंग में है?",
        "वाह, इतनी जल्दी! शुक्रिया",
    ],
    question: &["हाँ, ज़रूर", "ऑर्डर नंबर 1184 है", "देखकर बताती हूँ"],
    media: &["मिल गया, धन्यवाद", "बहुत सुंदर है 😍", "अब समझ आया"],
    photo: &["ऐसे पहुँचा है", "यह वाला चाहिए"],
    opening: &["नमस्ते, क्या आप दिल्ली में डिलीवरी करते हैं?", "नमस्ते, नीला लैंप कितने का है?"],
};

const JAPANESE: Phrases = Phrases {
    general: &[
        "ありがとうございます！",
        "承知しました。よろしくお願いします🙇",
        "とても早い対応で助かりました",
        "では、届くのを楽しみにしています",
    ],
    question: &["はい、お願いします", "注文番号は1179です", "確認して、また連絡しますね"],
    media: &["届きました。ありがとうございます", "素敵ですね😊", "なるほど、わかりました"],
    photo: &["このように届きました", "こちらの商品です"],
    opening: &["こんにちは。日本への発送は可能ですか？", "青いランプの在庫はありますか？"],
};

const CHINESE: Phrases = Phrases {
    general: &["好的，非常感謝！", "沒問題，我等你們的通知", "太好了，這麼快 👍", "了解，謝謝說明"],
    question: &["可以的，麻煩了", "訂單編號是 1186", "我確認一下再回覆你"],
    media: &["收到了，謝謝", "好漂亮 😍", "原來如此，明白了"],
    photo: &["收到的時候是這樣", "我說的是這一個"],
    opening: &["你好，可以寄到台灣嗎？", "請問藍色的燈還有貨嗎？"],
};

const KOREAN: Phrases = Phrases {
    general: &[
        "정말 감사합니다!",
        "네, 알겠습니다. 기다릴게요",
        "와, 답이 빠르시네요 👍",
        "확인했습니다. 수고하세요",
    ],
    question: &["네, 부탁드려요", "주문번호는 1177이에요", "확인하고 다시 말씀드릴게요"],
    media: &["잘 받았습니다", "너무 예뻐요 😍", "아, 이제 이해했어요"],
    photo: &["이렇게 도착했어요", "이 제품이에요"],
    opening: &["안녕하세요, 한국으로 배송되나요?", "파란 램프 재고 있나요?"],
};
