"""The words of facts in many languages: units, scales, months, spelled numbers, ordinals, parts."""

from __future__ import annotations

from rag.text.words import fold


def _words(lines: str) -> list[str]:
    return lines.split()


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
    SEK: kronor krona
    NOK: kroner
    DKK:
    PLN: zloty
    CZK:
    INR: rupees rupee ₹
    CLP:
    AUD:
    CAD:
    km: kilometre kilometres kilometer kilometers kilómetros kilomètres 公里
    m: metre metres meter meters metros mètres 米
    cm: centimetre centimetres centimeter centimeters zentimeter 厘米
    mm: millimetre millimetres millimeter millimeters 毫米
    inch: inches zoll
    hectare: ha hectares hektar
    mile: miles mi
    foot: feet ft
    kg: kilogram kilograms kilogramm kilo kilos
    g: gram grams gramm grammes
    tonne: tonnes tons ton tonnen
    litre: l litres liter liters litres litros
    millisecond: ms milliseconds millisekunden 毫秒
    second: seconds sec secs sekunde sekunden secondes segundos 秒
    minute: minutes min mins minuten minutos 分钟
    hour: hours h hrs stunde stunden heure heures hora horas 小时
    night: nights nacht nächte
    day: days tag tage tagen jour jours día días 天 日 дней дня
    week: weeks woche wochen semaine semaines semana semanas 周 星期
    month: months monat monate monaten mois mes meses 个月
    year: years jahr jahre jahren ans année années año años 年
    kB: kb kib
    MB: mb mib 兆
    GB: gb gib
    TB: tb tib
    W: watt watts
    kW: kw kilowatt kilowatts
    kWh: kwh
    V: volt volts
    ampere: amp amps
    ohm: ohms Ω
    Hz: hertz
    bar: bars
    pound: lb lbs
    byte: bytes
    bit: bits
    degree: degrees grad grados degrés graden 度 °
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
_GERMAN_ONES = _words("null ein zwei drei vier fünf sechs sieben acht neun")
_GERMAN_TENS = _words("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
NUMBER_WORDS = {
    fold(form): value
    for value, forms in {
        0: "zero null",
        1: "one eins ein eine einen einem einer un une uno una",
        2: "two zwei deux dos due twice zweimal",
        3: "three drei trois tres tre thrice dreimal",
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
    }.items()
    for form in forms.split()
} | {
    fold(f"{one}und{ten}"): 10 * tens + ones
    for ones, one in enumerate(_GERMAN_ONES)
    for tens, ten in enumerate(_GERMAN_TENS, start=2)
    if ones
}
HUNDREDS = {fold(form): 100 for form in ("hundred", "hundert", "cent", "cien")} | {
    fold(f"{one}hundert"): 100 * ones for ones, one in enumerate(_GERMAN_ONES) if ones
}
ARTICLES = frozenset({"a", "an", "ein", "eine", "einen", "einem", "einer", "un", "une", "uno", "una"})
"""Before a unit they may mean one: "a month"."""
AMBIGUOUS_WORDS = frozenset(
    {"once", "sei", "tre", "due", "sept", "cent", "quince", "null", "twice", "thrice", "zweimal", "dreimal"}
)
"""Number words that can mean something else, or be told in other words: they count in a source only."""
ORDINALS = {
    fold(form): value
    for value, forms in enumerate(
        (
            "first erste ersten erster erstes premier première primer primera primero",
            "second zweite zweiten zweiter zweites deuxième segundo segunda",
            "third dritte dritten dritter drittes troisième tercer tercera tercero",
            "fourth vierte vierten vierter viertes quatrième cuarto cuarta",
            "fifth fünfte fünften fünfter fünftes cinquième quinto quinta",
            "sixth sechste sechsten sixième",
            "seventh siebte siebten septième",
            "eighth achte achten huitième",
            "ninth neunte neunten neuvième",
            "tenth zehnte zehnten dixième",
        ),
        start=1,
    )
    for form in forms.split()
}
PARTS = {
    fold(form): value
    for value, forms in {
        2: "half halves hälfte moitié mitad",
        3: "third thirds drittel tiers",
        4: "quarter quarters viertel",
    }.items()
    for form in forms.split()
}
CHINESE_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "两": 2,
    "兩": 2,
}
CHINESE_SCALES = {"十": 10, "百": 100, "千": 10**3, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
CHINESE_COUNTERS = "年月天日周星秒小个個名人次台根份题条张件家位层楼元块米公克厘毫度兆页岁倍种间"
"""What a Chinese number counts stands behind one of these; elsewhere numerals are parts of words."""
LABELS = frozenset(
    _words(
        """section sections chapter article clause page table figure step no nr number room line version phase
        level item question appendix § abschnitt kapitel artikel seite tabelle abbildung schritt punkt raum"""
    )
)
"""Before a number they make it a name of a place: "section 3"."""
PARTIES = _table(
    """
    employee: employees worker workers staff personnel mitarbeiter mitarbeiterin arbeitnehmer beschäftigte
    employer: employers company companies firm firms arbeitgeber firma
    manager: managers boss supervisor supervisors vorgesetzter vorgesetzte
    director: directors direktor geschäftsführer
    colleague: colleagues coworker coworkers kollege kollegen kollegin
    customer: customers client clients kunde kunden kundin
    supplier: suppliers vendor vendors lieferant lieferanten
    reseller: resellers distributor distributors dealer dealers händler
    tenant: tenants lessee lessees renter renters mieter mieterin
    landlord: landlords lessor lessors vermieter vermieterin
    buyer: buyers purchaser purchasers käufer
    seller: sellers verkäufer
    lender: lenders creditor creditors gläubiger
    borrower: borrowers debtor debtors schuldner
    licensor: licensors
    licensee: licensees
    guest: guests visitor visitors gast gäste besucher
    resident: residents inhabitant inhabitants bewohner
    author: authors writer writers autor autoren
    reader: readers leser
    doctor: doctors physician physicians arzt ärzte ärztin
    nurse: nurses pfleger
    patient: patients patienten
    teacher: teachers lehrer lehrerin
    student: students pupil pupils schüler studierende
    engineer: engineers ingenieur
    accountant: accountants buchhalter
    auditor: auditors prüfer
    lawyer: lawyers attorney attorneys anwalt anwälte
    judge: judges richter
    chair: chairman chairwoman chairperson vorsitz vorsitzende
    treasurer: schatzmeister
    secretary: secretaries
    board: vorstand
    council: betriebsrat
    agency: agencies agentur
    bank: banks banken
    university: universities
    mother: mothers mutter
    father: fathers vater
    brother: brothers bruder brüder
    sister: sisters schwester schwestern
    son: sons sohn
    daughter: daughters tochter
    niece: nieces nichte
    nephew: nephews neffe
    uncle: onkel
    aunt: tante
    husband: ehemann
    wife: ehefrau
    red: rot rote roten roter
    green: grün grüne grünen grüner
    blue: blau blaue blauen blauer
    yellow: gelb gelbe gelben gelber
    """
)
"""Who or what of its kind a sentence is about: names of one party mean the same, and never another."""
RATES = {
    fold(form): unit
    for unit, forms in {
        "day": "daily täglich",
        "week": "weekly wöchentlich",
        "month": "monthly monatlich",
        "year": "yearly annual annually jährlich",
    }.items()
    for form in forms.split()
}
