"""Greetings, thanks and questions about Footnote itself, answered in a sentence without a search."""

from __future__ import annotations

import re

from rag.text.words import fold

_HELP = {
    "en": "Ask a question about your documents: I answer with exact quotes and their sources, and say "
    "so if your documents don't contain the answer. I can also count or list documents, for instance "
    "“Which documents mention Oslo?”",
    "de": "Stellen Sie eine Frage zu Ihren Dokumenten: Ich antworte mit wörtlichen Zitaten und ihren Quellen "
    "und sage es, wenn die Antwort nicht in Ihren Dokumenten steht. Ich kann Dokumente auch zählen und "
    "auflisten, zum Beispiel: „Welche Dokumente erwähnen Oslo?“",
    "fr": "Posez une question sur vos documents : je réponds par des citations exactes avec leurs sources, "
    "et je le dis si la réponse n'y est pas. Je peux aussi compter les documents ou en dresser la liste, par "
    "exemple : « Quels documents mentionnent Oslo ? »",
    "es": "Haga una pregunta sobre sus documentos: respondo con citas exactas y sus fuentes, y lo digo si la "
    "respuesta no está en ellos. También puedo contar o enumerar documentos, por ejemplo: «¿Qué documentos "
    "mencionan Oslo?»",
    "zh": "请就您的文档提问：我会用原文引文和出处来回答；"
    "如果文档中没有答案，我会直说。我也可以统计或列出文档，例如：“哪些文件提到奥斯陆？”",
}
_WELCOME = {
    "en": "You're welcome.",
    "de": "Gern geschehen.",
    "fr": "Je vous en prie.",
    "es": "De nada.",
    "zh": "不客气。",
}
_HELLO = {"en": "Hello!", "de": "Hallo!", "fr": "Bonjour !", "es": "¡Hola!", "zh": "您好！"}
# Whole questions only, folded: "hello world program" is a question about documents.
_GREETINGS = {
    "en": r"(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there| footnote| everyone)?",
    "de": r"(?:hallo|guten (?:morgen|tag|abend)|servus|moin|gruss gott)",
    "fr": r"(?:bonjour|bonsoir|salut|coucou)",
    "es": r"(?:hola|buen[oa]s (?:dias|tardes|noches))",
    "zh": r"(?:你好|您好|早上好|晚上好|嗨)",
}
_THANKS = {
    "en": r"(?:ok(?:ay)? |great |perfect )?(?:thanks?(?: you)?|thx|cheers)(?: (?:so|very) much| a lot)?"
    r"|bye|goodbye",
    "de": r"(?:vielen |herzlichen )?dank(?:e(?: (?:schon|sehr|dir|ihnen))?)?|tschuss",
    "fr": r"merci(?: beaucoup| bien)?|au revoir",
    "es": r"(?:muchas )?gracias|adios",
    "zh": r"(?:多谢|谢谢)(?:你|您)?|再见",
}
_ABILITIES = {
    "en": r"what can (?:you|i) (?:do|ask|ask you)(?: here)?|who are you|what are you|what is this|help"
    r"|how (?:do|does) (?:you|this|it) work|how can you help(?: me)?",
    "de": r"was (?:kannst du|konnen sie)(?: (?:alles|so))?(?: tun| machen)?|wer bist du|wer sind sie|hilfe"
    r"|wie funktioniert das|was kann ich (?:hier )?fragen",
    "fr": r"que (?:peux-tu|pouvez-vous|sais-tu|savez-vous) faire|qui (?:es-tu|etes-vous)|aide"
    r"|comment ca (?:marche|fonctionne)",
    "es": r"que (?:puedes|puede|sabes) hacer|quien eres|ayuda|como funciona(?: esto)?",
    "zh": r"(?:你|您)(?:能|会|可以)(?:做什么|做些什么|干什么|帮我什么)|(?:你|您)是谁|帮助|怎么用",
}


def small_talk(question: str) -> str | None:
    """The reply to a greeting, thanks or "what can you do?", in its language; None for anything else."""
    said = " ".join(re.sub(r"[\s,.!?¿¡;:，。！？]+", " ", fold(question)).split())
    for language, help_ in _HELP.items():
        if re.fullmatch(_ABILITIES[language], said):
            return help_
        if re.fullmatch(_THANKS[language], said):
            return _WELCOME[language]
        if re.fullmatch(_GREETINGS[language], said):
            return f"{_HELLO[language]} {help_}"
    return None
