"""The words of facts in many languages: units, scales, months, spelled numbers."""

from __future__ import annotations

from rag.text.wording import fold


def _table(lines: str) -> dict[str, str]:
    """`canonical: form form …` lines as form → canonical, folded."""
    table: dict[str, str] = {}
    for line in lines.strip().splitlines():
        canonical, _, forms = line.partition(":")
        table |= {fold(form): canonical.strip() for form in (*forms.split(), canonical.strip())}
    return table


UNITS = _table(
    """
    %: percent prozent pourcent pct por\u00a0ciento процент процента процентов ％
    EUR: € euro euros
    USD: $ dollar dollars us$
    GBP: £ pounds
    CHF: francs franken
    JPY: ¥ yen 円
    CNY: yuan 元 rmb
    km: kilometre kilometres kilometer kilometers kilómetros kilomètres 公里
    m: metre metres meter meters metros mètres 米
    cm: centimetre centimetres centimeter centimeters zentimeter
    mm: millimetre millimetres millimeter millimeters
    mile: miles mi
    foot: feet ft
    kg: kilogram kilograms kilogramm kilo kilos
    g: gram grams gramm grammes
    tonne: tonnes tons ton tonnen
    litre: l litres liter liters litres litros
    millisecond: ms milliseconds millisekunden
    second: seconds sec secs sekunde sekunden secondes segundos 秒
    minute: minutes min mins minuten minutos 分钟
    hour: hours h hrs stunde stunden heure heures hora horas 小时
    day: days tag tage tagen jour jours día días 天 дней дня
    week: weeks woche wochen semaine semaines semana semanas 周
    month: months monat monate monaten mois mes meses 个月
    year: years jahr jahre jahren an ans année années año años
    kB: kb kib
    MB: mb mib
    GB: gb gib
    TB: tb tib
    W: watt watts
    kW: kw kilowatt kilowatts
    kWh: kwh
    V: volt volts
    °C: celsius
    °F: fahrenheit
    """
)
SCALES = {
    **dict.fromkeys(("thousand", "tausend", "mille", "mil", "k", "tsd", "тыс", "千"), 10**3),
    **dict.fromkeys(
        ("million", "millions", "millionen", "mio", "millones", "millon", "m", "mn", "млн"), 10**6
    ),
    **dict.fromkeys(
        ("billion", "billions", "milliarde", "milliarden", "mrd", "milliard", "milliards", "bn", "млрд"),
        10**9,
    ),
    **dict.fromkeys(("万", "萬"), 10**4),
    **dict.fromkeys(("亿", "億"), 10**8),
}
MONTHS = {
    fold(form): number
    for number, forms in enumerate(
        (
            "january jan januar jänner janvier enero gennaio janeiro januari января",
            "february feb februar février fevrier febrero febbraio fevereiro februari февраля",
            "march mar märz mars marzo março maart марта",
            "april apr avril abril aprile апреля",
            "may mai mayo maggio maio mei мая",
            "june jun juni juin junio giugno junho июня",
            "july jul juli juillet julio luglio julho июля",
            "august aug août agosto augustus августа",
            "september sep sept septembre septiembre settembre setembro сентября",
            "october oct oktober okt octobre octubre ottobre outubro октября",
            "november nov novembre noviembre novembro ноября",
            "december dec dezember dez décembre diciembre dicembre dezembro декабря",
        ),
        start=1,
    )
    for form in forms.split()
}
NUMBER_WORDS = {
    fold(form): value
    for value, forms in {
        0: "zero null",
        2: "two zwei deux dos due",
        3: "three drei trois tres tre",
        4: "four vier quatre cuatro quattro",
        5: "five fünf cinq cinco cinque",
        6: "six sechs seis sei",
        7: "seven sieben sept siete sette",
        8: "eight acht huit ocho otto",
        9: "nine neun neuf nueve nove",
        10: "ten zehn dix diez dieci",
        11: "eleven elf onze once",
        12: "twelve zwölf douze doce dozen",
        13: "thirteen dreizehn treize trece",
        14: "fourteen vierzehn quatorze catorce",
        15: "fifteen fünfzehn quinze quince",
        16: "sixteen sechzehn seize",
        17: "seventeen siebzehn",
        18: "eighteen achtzehn",
        19: "nineteen neunzehn",
        20: "twenty zwanzig vingt veinte",
        30: "thirty dreißig trente treinta",
        40: "forty vierzig quarante cuarenta",
        50: "fifty fünfzig cinquante cincuenta",
        60: "sixty sechzig soixante sesenta",
        70: "seventy siebzig setenta",
        80: "eighty achtzig ochenta",
        90: "ninety neunzig noventa",
        100: "hundred hundert cent cien",
    }.items()
    for form in forms.split()
}
AMBIGUOUS_WORDS = frozenset({"once", "sei", "tre", "due", "sept", "cent", "quince", "null"})
"""Number words that mean something else in another language; they count as numbers of a source only."""
