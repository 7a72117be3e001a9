"""Whether a question can be understood without the one before it, by its words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text.words import FUNCTION_WORDS, fold, words


def _folded_words(text: str) -> frozenset[str]:
    return frozenset(fold(text).split())


# Words that stand for something said before.
PRONOUNS = _folded_words(
    """it its they them their theirs he him his she hers her this these those
    er sie ihn ihm ihr ihre ihrem ihren ihrer seine seinem seinen seiner diese dieser dieses jene davon dafür
    darüber daran dazu damit dort dabei
    il ils elle elles lui leur leurs celui celle ceux celles cela ça sa ses
    ella ello ellos ellas su sus este esta esto estos estas ese esa eso aquel allí
    он она оно они его ее их ему ей им этот эта это эти там"""
)
# These may refer to a noun of their own clause: "do new employees get their keys".
_POSSESSIVES = _folded_words(
    "its their ihr ihre ihrem ihren ihrer seine seinem seinen seiner leur leurs sa ses su sus"
)
# Words that do so only in some places, folded: "that" after a verb, "das" before anything but a noun.
_ALSO_PRONOUN = re.compile(
    r"\b(?:is|was|does|did|do|would|will|can|could|should|has|about|for|with|of|to|by|from|in|on|after|before)"
    r" that\b|\bthat one\b|\b(?:that|there|then|one|es|das|dies|en|y)\W*$"
    r"|(?<=[^,] )das (?:auch|denn|eigentlich|noch|schon|genau|immer|nicht|fur|bei|in|im|mit|pro|ich|er|sie"
    r"|wir|man|alles)\b|-(?:t-)?(?:ils?|elles?)\b"
    r"|\b(?:quel(?:le)?s? (?:est|sont)|ou est|comment|combien) (?:son|sa|ses)\b"
    # What asks for one more, or for another case, of what was spoken of.
    r"|\b(?:too|as well|instead|otherwise|ebenfalls|stattdessen|aussi|tambien)\W*$"
    r"|\b(?:(?:what|who|where|which|how) else|(?:was|wer|wo) sonst|(?:quoi|qui) d'autre|(?:que|quien) mas)\b"
    r"|^\W*(?:what if|was wenn|et si|y si)\b"
)
_EXPLETIVE = re.compile(
    r"\b(?:is|was|are|were|will|does) (?:it|there) (?:possible|allowed|true|necessary|a|an|any)\b"
    r"|\bgibt es\b|\bist es\b(?!\W*$)|\b(?:est|faut)-il\b|\by a-t-il\b|\bil y a\b|\bes (?:posible|cierto)\b"
    r"|\bthere (?:is|are|was)\b|\b(?:is|are|was|were) there\b"
    # What "it" stands for follows: "how long does it take an expert to", "is it common for".
    r"|\bit (?:takes?|costs?|means?)(?: \w+){0,3}? (?:to|for|if|when|that)\b"
    r"|\b(?:is|was|makes?|made|finds?) it \w+ (?:to|for|if|when|how|that|whether)\b"
    # This year is the same whatever was asked before.
    r"|\b(?:this|these|diese[mnrs]?|cette|ces?|est[aeo]s?) (?:days?|weeks?|months?|quarter|years?|morning"
    r"|tage?|woche|monat|quartal|jahr|semaine|mois|annee|jours|semana|mes|ano|dias)\b"
)
# The polite German "Sie", and the Spanish "está", which is a verb.
_NO_PRONOUN = re.compile(r"(?<=\w )(?:Sie|Ihnen|Ihr(?:e[mnrs]?)?)\b|\b[Ee]stá[ns]?\b")
_PLAIN_PRONOUN = re.compile(
    r"\bél\b|它|(?<![其吉])他|她|这(?!里)|那(?!里)|其(?![他实中])|それ|これ|あれ|彼|その|この"
)
# After these a new clause begins, in which a pronoun can take up a noun of the one before.
_CLAUSE = re.compile(
    r"[,;:]|\b(?:and|or|but|if|when|while|before|after|because|until|once|unless|to|so|that|und|oder|wenn|bevor"
    r"|nachdem|weil|bis|ob|dass|et|ou|si|quand|avant|parce|pour|y|o|cuando|antes|porque|para)\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"^[¿¡\s]*(?:(?:thanks?(?: you)?|great|ok(?:ay)?|danke|gut|merci|d'accord|gracias|vale|谢谢|好的?)"
    r"[,.!，。！]+\s*)*[¿¡]*",
    re.IGNORECASE,
)
_ELLIPTIC = re.compile(
    r"^(?:and|but|or|what about|how about|und|aber|oder|was ist mit|wie ist es mit|et|mais|qu'en est-il"
    r"|y(?! a\b)|pero|и|а)(?=[\s,]|$)|^(?:那|那么|还有|では|じゃ)|.+(?:呢|は)[?？]$"
    # "For the KP-55?" and "2023?" give another value, and nothing else.
    r"|^(?:for|in|of|für|im|bei|pour|en|para)(?: [^\W_][\w-]*){1,3}\s*\?$|^[\w-]*\d[\w-]*\s*[?？]$",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"^(?:why|how|when|where|who|how (?:much|many|long|so|come)|which|since when|until when|warum|wieso|wann"
    r"|wo|wer|wie ?viele?|wie lange|pourquoi|quand|où|combien|qui|por qué|cuándo|dónde|cuánto|quién|почему"
    r"|когда|где|кто|为什么|为何|什么时候|哪里|谁|多少|多少钱|多久|怎么办|なぜ|いつ|どこ|誰)"
    r"(?: (?:not|nicht|pas|no|exactly|genau|exactement))?\s*[?？!.。]*$"
    r"|^(?:什么时候|怎么|在哪|哪里|谁|多久)[\u4e00-\u9fff]{1,2}[?？]?$",
    re.IGNORECASE,
)
# What asks for nothing but more of the same.
_GO_ON = re.compile(
    r"^(?:(?:yes|ja|oui|sí|ok(?:ay)?|please|bitte|go on|continue|more|more details?|details?"
    r"|(?:please |can you |could you )?(?:tell me|say|explain) (?:more|that|it)|(?:please )?explain"
    r"|mehr(?: davon| dazu)?|weiter|genauer|(?:erzähl|sag)e? mir mehr|erkläre? das"
    r"|continue[zr]?|plus de détails|(?:dis|dites)-m'en plus|expliquez?"
    r"|más|sigue|más detalles|cuéntame más|dime más|explica(?:me)?"
    r"|是|是的|好|好的|更多|详细(?:一点|说明)|请?(?:继续|多说一?点|告诉我更多|解释一?下))"
    r"(?:[\s,.!?，。！？]+|$)(?:please|bitte|about (?:it|that|this))?)+$",
    re.IGNORECASE,
)
# "Who is the customer?" asks for a part of something: of what was named before, if anything was.
_PART = re.compile(
    r"^(?:(?:who|what|when|where|how (?:much|high|long|big|old)) (?:is|was|are|were) the"
    r"|(?:wer|was|wann|wo|wie (?:hoch|lang|groß|teuer|alt)) (?:ist|war|sind) (?:der|die|das)"
    r"|(?:quel(?:le)?s?|qui|où|quand) (?:est|était|sont) (?:le |la |les |l['’])"
    r"|(?:cuál|quién|cuándo|dónde|qué) (?:es|era|son) (?:el|la|los|las))\s*[^\W\d]+(?: [^\W\d]+)?\W*$"
    r"|^[\u4e00-\u9fff]{2,5}是?(?:谁|多少|什么|哪天|几号|什么时候|哪一天)\W*$",
    re.IGNORECASE,
)
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
_SUBJECTS = frozenset({"who", "what", "it", "he", "she"})  # a verb follows: "who looks after them"
_LETTERS = re.compile(r"[^\W_]+")
# "How many days of leave" is about leave, and days.
_MEASURES = _folded_words("many much long often viel viele lange oft")
_GERMAN_DETERMINERS = _folded_words("""der die das den dem des ein eine einen einem einer eines welche
    welcher welches welchen welchem kein keine
    im am zum zur beim viele""")
_DETERMINERS = _GERMAN_DETERMINERS | _folded_words("""the a an this that these those my our your each
    every which what all any some no
    le la les l un une des ce cette chaque quel quelle quels quelles el los las una unos unas cada""")


def leans(question: str) -> bool:
    """Whether a question cannot be understood without the one before it."""
    spelled = _without_capitals(without_courtesy(question))
    if any(sign.search(spelled) for sign in (_ELLIPTIC, _BARE, _GO_ON, _PLAIN_PRONOUN)):
        return True
    plain = _plain(spelled)
    if _ALSO_PRONOUN.search(plain) or all(map(is_function_word, words(question))):
        return True
    pronoun = next((word for word in words(plain) if word in PRONOUNS), None)
    return pronoun is not None and not _has_antecedent(spelled, pronoun)


def without_courtesy(question: str) -> str:
    """The question without thanks and marks before it."""
    return _COURTESY.sub("", question.strip(), count=1)


def is_elliptic(question: str) -> bool:
    """Whether a question gives another value for the last one: "and in 2023?"."""
    return _ELLIPTIC.search(question) is not None


def is_bare(question: str) -> bool:
    """Whether a question is a question word alone."""
    return _BARE.match(question) is not None


def asks_to_go_on(question: str) -> bool:
    """Whether it asks for nothing but more: "yes", "tell me more"."""
    return _GO_ON.match(question) is not None


def asks_for_a_part(question: str) -> bool:
    """Whether it asks for a part or a property that something has, and does not say of what."""
    return _PART.match(question) is not None


def has_pronoun(text: str) -> bool:
    """Whether a word of it stands for something said before."""
    return any(word in PRONOUNS for word in words(_plain(text)))


def is_name(text: str, match: re.Match[str]) -> bool:
    """Whether a word of a text is a code, or is capitalised where no sentence begins and no noun is due.

    German nouns follow a determiner; its names seldom do.
    """
    word = match.group()
    if any(map(str.isdigit, word)) and any(map(str.isalpha, word)):
        return True
    before = text[: match.start()].split()
    opens = not before or before[-1][-1] in ".:?!¿"
    is_noun = bool(before) and fold(before[-1]) in _GERMAN_DETERMINERS
    return word[0].isupper() and not (opens or is_noun or text.isupper() or is_function_word(word))


def is_function_word(word: str) -> bool:
    """Whether a word carries no meaning of its own; measures are among them."""
    return word.lower() in FUNCTION_WORDS or fold(word) in FUNCTION_WORDS or fold(word) in _MEASURES


def _plain(text: str) -> str:
    """The text folded, without what only looks like a pronoun."""
    return _EXPLETIVE.sub(" ", fold(_NO_PRONOUN.sub("0", text)))


def _without_capitals(question: str) -> str:
    """The question with each word all in capitals blotted out: IT is no pronoun, and AND opens nothing."""
    return question if question.isupper() else _CAPITALS.sub(lambda match: "0" * len(match.group()), question)


def _has_antecedent(question: str, pronoun: str) -> bool:
    """Whether the pronoun takes up what stands before it: a name, or a noun of the clause before."""
    spelled = list(_LETTERS.finditer(question))
    place = next((i for i, match in enumerate(spelled) if fold(match.group()) == pronoun), 0)
    if any(is_name(question, match) for match in spelled[:place]):
        return True
    said = [fold(match.group()) for match in spelled[:place]]
    noun = next((i for i in range(place) if _is_noun(said, i)), None)
    if noun is None or pronoun in _POSSESSIVES:
        return noun is not None
    return _CLAUSE.search(question, spelled[noun].end(), spelled[place].start()) is not None


def _is_noun(said: Sequence[str], place: int) -> bool:
    """Whether a word looks like a noun: a determiner is one or two words before it, or it is a plural."""
    if is_function_word(said[place]):
        return False
    before = said[max(0, place - 2) : place]
    plural = place > 0 and said[place].endswith("s") and before[-1] not in _SUBJECTS
    return plural or not _DETERMINERS.isdisjoint(before)
