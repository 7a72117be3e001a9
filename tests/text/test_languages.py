"""Languages are told from prose, and only where there is enough of it."""

from __future__ import annotations

import pytest

from rag.readers import read_document
from rag.text.languages import language_code, language_of, language_of_text

SENTENCES = {
    "en": "The annual report describes how the company made its money and what it plans for next year.",
    "de": "Der Jahresbericht beschreibt, wie die Firma ihr Geld verdient hat und was sie plant.",
    "fr": "Le rapport annuel décrit comment l'entreprise a gagné son argent et ce qu'elle prévoit.",
    "es": "El informe anual describe cómo la empresa ganó su dinero y lo que planea para el próximo año.",
    "it": "La relazione annuale descrive come l'azienda ha guadagnato e che cosa prevede.",
    "pt": "O relatório anual descreve como a empresa ganhou o seu dinheiro e o que planeja.",
    "nl": "Het jaarverslag beschrijft hoe het bedrijf zijn geld heeft verdiend en wat het van plan is.",
    "no": "Årsrapporten beskriver hvordan selskapet tjente pengene sine og hva det planlegger for neste år.",
    "pl": "Raport roczny opisuje, jak firma zarobiła pieniądze i co planuje na przyszły rok.",
    "tr": "Yıllık rapor, şirketin parasını nasıl kazandığını ve gelecek yıl için ne planladığını anlatıyor.",
    "ru": "Годовой отчёт описывает, как компания заработала деньги и что она планирует на следующий год.",
    "uk": "Річний звіт описує, як компанія заробила гроші та що вона планує на наступний рік.",
    "el": "Η ετήσια έκθεση περιγράφει πώς η εταιρεία κέρδισε τα χρήματά της και τι σχεδιάζει.",
    "ar": "يصف التقرير السنوي كيف كسبت الشركة أموالها وما تخطط له في العام المقبل.",
    "he": "הדוח השנתי מתאר כיצד החברה הרוויחה את כספה ומה היא מתכננת לשנה הבאה.",
    "hi": "वार्षिक रिपोर्ट बताती है कि कंपनी ने अपना पैसा कैसे कमाया और अगले साल की क्या योजना है।",
    "th": "รายงานประจำปีอธิบายว่าบริษัททำเงินได้อย่างไรและวางแผนอะไรสำหรับปีหน้า",
    "zh": "年度报告描述了公司如何赚钱以及明年的计划。",
    "ja": "年次報告書には、会社がどのように利益を上げたか、来年の計画が書かれています。",
    "ko": "연례 보고서는 회사가 어떻게 돈을 벌었는지와 내년 계획을 설명합니다.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_tells_its_language(language: str) -> None:
    assert language_of_text(SENTENCES[language]) == language


@pytest.mark.parametrize(
    "text", ["", "12 34 56", "SQLite JSON", "a | b | c", "https://example.org/" + "x" * 80]
)
def test_too_little_text_tells_none(text: str) -> None:
    assert language_of_text(text) is None


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("en_US", "en"),
        ("zh_CN", "zh"),
        ("zh-Hant-TW", "zh"),
        ("german", "de"),
        ("Deutsch", "de"),
        ("español", "es"),
        ("中文", "zh"),
        ("nb-NO", "no"),
        ("deu", "de"),
        ("klingon", None),
        ("mean", None),
        ("", None),
    ],
)
def test_a_language_is_known_by_its_code_and_its_names(written: str, code: str | None) -> None:
    assert language_code(written) == code


def test_code_and_tables_do_not_count() -> None:
    source = (
        f"{SENTENCES['de']}\n\n```\n" + "for the line in the file and the other of the same\n" * 50 + "```"
    )
    assert read_document(source.encode(), "a.md").language == "de"
    assert (
        language_of(read_document(b"```\nfor the line in the file that we read with the tool\n```", "a.md"))
        is None
    )
