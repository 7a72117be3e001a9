"""Text to comparable words, in any script: folding, function words, inflection."""

from __future__ import annotations

import re
import unicodedata

_UNSPACED = (
    r"\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"  # kana, Han
)
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|\u0300-\u036f)*")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]+")
_MARKS_THAT_CARRY_NO_SOUND = re.compile(r"[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u0591-\u05c7]")
_SHORTEST_INFLECTED = 4
_ENDING = re.compile(r"(?<=[a-z]{3})(?:ing|ed|es|en|er|em|e|(?<!s)s)$")

_ENGLISH = frozenset(
    """a an the of in on at by for from to with without into onto as is are was were be been being am do does
    did done have has had having will would shall should can could may might must and or but not no nor if
    than then that this these those there here it its he she they them their his her him we us our you your
    i me my what which who whom whose when where why how s t re ve ll d m also any some such so
    about""".split()  # noqa: SIM905
)
_OTHERS = frozenset(
    """der die das den dem des ein eine einer eines einem einen und oder aber nicht kein keine in im an am auf
    aus bei beim mit nach von vom zu zum zur für durch über unter um ist sind war waren wird werden wurde
    wurden hat haben hatte hatten sein seine seiner ihr ihre ihrer es er sie wir ihr ich du man was welche
    welcher welches welchen welchem wer wen wem wessen wann wo warum wie wieso als ob dass daß auch sich
    le la les l un une des du de d au aux et ou mais ne pas en dans sur sous par pour avec sans est sont
    était étaient être a ont avait il elle ils elles nous vous je tu on ce cet cette ces son sa ses leur
    leurs qui que quoi dont où quand comment pourquoi quel quelle quels quelles qu
    el los las una unos unas del al y o pero no en con sin por para sobre es son era eran fue fueron ser
    ha han había se su sus lo le les que qué quién quiénes cuál cuáles cuándo dónde cómo cuánto cuánta
    cuántos cuántas este esta estos estas ese esa
    il lo gli i uno di da con su per tra fra e che chi cui come quando dove perché quale quali sono era
    o os as um uma do da dos das no na nos nas em com por para e ou que quem qual quais quando onde como
    de het een en van voor met op aan uit bij is zijn was waren wat wie waar wanneer hoe welke niet
    и в во не на я что он она они с со как а то все это так но да ты к у же вы за бы по от ее его их из о
    об для до при или был была было были есть кто что где когда какой какая какие каком чем сколько
    في من على إلى عن مع هذا هذه ذلك التي الذي ما ماذا من متى أين كيف لماذا هل كم هو هي كان كانت أن إن
    का की के को में से है हैं था थे थी ने पर और या यह वह कि क्या कौन कब कहाँ कैसे कितने कितनी किस किसने""".split()  # noqa: SIM905
)
FUNCTION_WORDS = _ENGLISH | _OTHERS


def fold(text: str) -> str:
    """Case, width and accents taken off: what differs only in these compares equal."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _MARKS_THAT_CARRY_NO_SOUND.sub("", decomposed))


_FOLDED_FUNCTION_WORDS = frozenset(fold(word) for word in FUNCTION_WORDS)
_FOLDED_OTHERS = frozenset(fold(word) for word in _OTHERS) - _ENGLISH


def seems_english(question: str) -> bool:
    """Whether a question may be English: by its function words, or without any, by its letters."""
    found = set(words(question))
    english, others = len(found & (_ENGLISH - _OTHERS)), len(found & _FOLDED_OTHERS)
    return english > others if english or others else question.isascii()


def words(text: str) -> list[str]:
    """Folded words in order; a run of a script without spaces gives its overlapping pairs."""
    found: list[str] = []
    for match in _WORD.finditer(fold(text)):
        word = match.group()
        if _UNSPACED_RUN.fullmatch(word) and len(word) > 2:
            found.extend(word[i : i + 2] for i in range(len(word) - 1))
        else:
            found.append(word)
    return found


def content_words(text: str) -> list[str]:
    """The distinct words that carry meaning, in order; all words where none would be left."""
    every = list(dict.fromkeys(words(text)))
    return [word for word in every if not is_function_word(word)] or every


def is_function_word(word: str) -> bool:
    """Whether a folded word only joins others, in any of the languages known here."""
    return word in _FOLDED_FUNCTION_WORDS


def stem(word: str) -> str:
    """A crude key under which the inflected forms of a word meet, in any alphabet.

    One ending is taken off, then six letters are kept (five outside the Latin alphabet). It serves to
    compare a question with a sentence, where two words that meet by chance do little harm.
    """
    if not word.isalpha() or len(word) < _SHORTEST_INFLECTED:
        return word
    if not word.isascii():
        return word[:5]
    return _ENDING.sub("", word)[:6]


def grams(text: str, *, length: int = 4) -> set[str]:
    """The runs of `length` letters of the text's words, with their boundaries as spaces."""
    joined = f" {' '.join(words(text))} "
    return {joined[i : i + length] for i in range(len(joined) - length + 1)}
