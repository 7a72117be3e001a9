"""Answers in a writer's own words to passages of their own, true and false: harder than any swap."""

from __future__ import annotations

from rag.records import Hit, Passage
from tests.fakes.swaps import Case

_PASSAGES = (
    (
        "Employees receive 30 days of paid leave a year. Leave of the running year can be "
        "taken until 31 March of the next. Unused leave is not paid out, except when a "
        "contract ends. Requests go to the team lead at least two weeks ahead."
    ),
    (
        "The daily travel allowance is 45 euros for trips of more than eight hours. Flights "
        "under 600 km must not be booked; take the train instead. Hotels cost up to 120 euros "
        "a night in cities with more than 500,000 inhabitants."
    ),
    (
        "The TF40 logger measures water level and temperature every 15 minutes. Its battery "
        "lasts about five years. The housing is made of stainless steel and withstands a "
        "pressure of 10 bar. It weighs 480 g."
    ),
    (
        "Revenue rose from 24.1 million euros in 2023 to 27.3 million in 2024, an increase of "
        "13 %. The operating profit was 2.2 million euros. The company employed 143 people at "
        "the end of the year, of whom 61 work in Freiburg."
    ),
    (
        "Der Betriebsrat bittet darum, dass während der Bauarbeiten keine Gerüste vor den "
        "Fenstern stehen. Die Kosten steigen auf rund 250.000 Euro. Die Entscheidung fällt am "
        "15. April. Pedelecs dürfen im Keller geladen werden, nicht aber in der Halle."
    ),
    (
        "To reset the device, hold the button for ten seconds until the green light flashes "
        "twice. Do not remove the battery during a reset. If the light stays red, contact "
        "support."
    ),
    (
        "Maria Keller founded the company in 1998 together with Jonas Weber. She led it until "
        "2015; since then Weber's daughter Anna has been managing director."
    ),
    (
        "The lease begins on 1 September 2023 and runs for three years. The rent is 1,850 "
        "euros a month, payable by the third working day. The tenant bears the cost of "
        "heating and water; the landlord bears repairs of the roof and the facade. Pets are "
        "allowed with the landlord's written consent."
    ),
    (
        "Patients should take one tablet twice a day with food. The maximum dose is 400 mg a "
        "day. Children under twelve must not take the medicine. Common side effects are "
        "headache and nausea; in rare cases the skin itches."
    ),
    (
        "The museum is open from Tuesday to Sunday, 10 am to 6 pm; on Thursdays it closes at "
        "9 pm. Admission is £12, reduced £8; children under six enter free. The café on the "
        "first floor closes an hour before the museum."
    ),
    (
        "The library moved to Python 3.11 in version 2.4.0. The function parse_date now "
        "raises ValueError instead of returning None. Support for Windows 7 was dropped. "
        "Users who need it can stay on 2.3.9."
    ),
    (
        "Im Jahr 2022 wurden 1.250 Wohnungen gebaut, 15 % weniger als im Vorjahr. Der "
        "Stadtrat beschloss im März, den Mietspiegel alle zwei Jahre zu erneuern. Familien "
        "mit Kindern erhalten einen Zuschuss von 200 Euro im Monat."
    ),
    (
        "The bridge was designed by Clara Lindqvist and opened in June 1974. It is 412 metres "
        "long and carries four lanes. In 2009 the northern tower was strengthened because of "
        "corrosion. Trucks over 30 tonnes have to use the tunnel."
    ),
)
_TRUE = {
    0: (
        "You get 30 paid vacation days per year.",
        "Each employee is entitled to 30 days of paid annual leave.",
        "Remaining leave can be carried over until March 31 of the following year.",
        "Unused leave is only paid out when the contract ends.",
        "Leave requests must be submitted to your team lead no less than two weeks in advance.",
        "A leave request has to be made two weeks ahead to the team lead.",
    ),
    1: (
        "For business trips longer than 8 hours you receive a daily allowance of €45.",
        "You may not book flights shorter than 600 kilometres.",
        "For distances below 600 km, take the train instead of flying.",
        "In large cities with over half a million inhabitants, a hotel may cost up to €120 per night.",
        "The maximum hotel rate is EUR 120 per night in cities with more than 500,000 people.",
        "The allowance per day is 45 EUR.",
    ),
    2: (
        "The TF40 records water level and temperature four times an hour.",
        "The TF40 takes a measurement every quarter of an hour.",
        "Its battery has a life of roughly 5 years.",
        "The logger's housing is stainless steel and can withstand 10 bar of pressure.",
        "The device weighs 480 grams.",
        "The TF40 is made of stainless steel.",
    ),
    3: (
        "In 2024, revenue grew by 13% to €27.3 million.",
        "Revenue was €27.3 million in 2024, up from €24.1 million the year before.",
        "The company made an operating profit of EUR 2.2 million.",
        "There were 143 employees at year-end, including 61 in Freiburg.",
        "At the end of 2024 the firm had 143 employees.",
        "Sales increased from 24.1 to 27.3 million euros.",
    ),
    4: (
        "Die Gesamtkosten betragen etwa 250.000 €.",
        "Am 15. April wird entschieden.",
        "Pedelecs darf man im Keller laden, aber nicht in der Halle.",
        "Der Betriebsrat möchte keine Gerüste vor den Fenstern.",
        "The works council asks that no scaffolding stands in front of the windows.",
    ),
    5: (
        "Press and hold the button for 10 seconds.",
        "Hold the button for ten seconds; the green light will flash two times.",
        "The battery should not be removed while resetting.",
        "First, hold the button for ten seconds.",
        "Then wait until the green light flashes twice.",
        "If the light remains red, you should contact support.",
        "To reset the device, press the button for ten seconds until the green light blinks twice.",
    ),
    6: (
        "The company was founded by Maria Keller and Jonas Weber in 1998.",
        "Anna Weber has been the managing director since 2015.",
        "Maria Keller led the company until 2015.",
        "The founders of the company are Maria Keller and Jonas Weber.",
        "Keller ran the company from 1998 to 2015.",
    ),
    7: (
        "The lease starts on September 1, 2023 and lasts three years.",
        "The monthly rent amounts to €1,850.",
        "Heating and water are paid by the tenant.",
        "The landlord is responsible for roof and facade repairs.",
        "Pets may be kept if the landlord agrees in writing.",
        "Rent is due by the 3rd working day of the month.",
    ),
    8: (
        "Take one tablet two times a day together with food.",
        "You should not exceed 400 mg per day.",
        "Children younger than 12 must not take the medicine.",
        "Headache and nausea are common side effects.",
        "The medicine is not suitable for children under 12.",
    ),
    9: (
        "The museum opens at 10:00 and closes at 18:00 from Tuesday to Sunday.",
        "On Thursdays it is open until 9 p.m..",
        "A ticket costs £12, or £8 at the reduced rate.",
        "Children under 6 do not pay admission.",
        "The café is on the 1st floor.",
    ),
    10: (
        "Version 2.4.0 switched to Python 3.11.",
        "parse_date raises a ValueError rather than returning None.",
        "Windows 7 is no longer supported.",
        "If you need Windows 7, stay on version 2.3.9.",
    ),
    11: (
        "2022 wurden 1250 Wohnungen fertiggestellt.",
        "Das waren 15 Prozent weniger als ein Jahr zuvor.",
        "Der Mietspiegel wird alle 2 Jahre erneuert.",
        "Familien mit Kindern bekommen monatlich 200 € Zuschuss.",
        "Im März beschloss der Stadtrat, den Mietspiegel regelmäßig zu erneuern.",
    ),
    12: (
        "Clara Lindqvist designed the bridge.",
        "The bridge opened in June of 1974.",
        "It has four lanes and a length of 412 m.",
        "Corrosion made it necessary to strengthen the northern tower in 2009.",
        "Trucks heavier than 30 tons must take the tunnel.",
    ),
}
_FALSE = {
    0: (
        "You get 28 paid vacation days per year.",
        "Each employee is entitled to 30 weeks of paid annual leave.",
        "Remaining leave can be carried over until April 30 of the following year.",
        "Unused leave is paid out at the end of the year.",
        "Leave requests must be submitted to the HR department no less than two weeks in advance.",
        "Leave requests go to the team lead one week ahead.",
    ),
    1: (
        "For business trips longer than 6 hours you receive a daily allowance of €45.",
        "You may book flights shorter than 600 kilometres.",
        "For distances below 600 km, take the car instead.",
        "In large cities, a hotel may cost up to $120 per night.",
        "The maximum hotel rate is EUR 120 per week in cities with more than 500,000 people.",
        "The allowance per month is 45 EUR.",
    ),
    2: (
        "The TF4 records water level and temperature every 15 minutes.",
        "The TF40 takes a measurement every 15 seconds.",
        "Its battery has a life of roughly 8 years.",
        "The logger's housing is made of aluminium and can withstand 10 bar of pressure.",
        "The device weighs 480 kilograms.",
        "The TF40 measures conductivity and temperature every 15 minutes.",
    ),
    3: (
        "In 2024, revenue grew by 13% to €24.1 million.",
        "Revenue fell from 24.1 million euros in 2023 to 27.3 million in 2024.",
        "The company made an operating loss of EUR 2.2 million.",
        "There were 61 employees at year-end.",
        "In 2023 the revenue was 27.3 million euros.",
        "The company employed 143 people, of whom 61 work in Munich.",
    ),
    4: (
        "Die Gesamtkosten betragen etwa 350.000 €.",
        "Am 15. Mai wird entschieden.",
        "Pedelecs dürfen in der Halle geladen werden, nicht aber im Keller.",
        "Der Betriebsrat möchte Gerüste vor den Fenstern.",
    ),
    5: (
        "Press and hold the button for 20 seconds.",
        "Hold the button for ten seconds until the red light flashes twice.",
        "Remove the battery during a reset.",
        "Hold the button for ten minutes.",
        "If the light stays green, contact support.",
    ),
    6: (
        "The company was founded by Maria Keller and Jonas Weber in 2015.",
        "Anna Keller has been the managing director since 2015.",
        "Jonas Weber led the company until 2015.",
        "The founders of the company are Maria Keller and Peter Weber.",
        "Weber's son has been managing director since 2015.",
    ),
    7: (
        "The lease starts on September 1, 2023 and lasts two years.",
        "The monthly rent amounts to €1,580.",
        "Heating and water are paid by the landlord.",
        "The tenant is responsible for roof and facade repairs.",
        "Pets may be kept without the landlord's consent.",
        "Rent is due by the 5th working day of the month.",
    ),
    8: (
        "Take one tablet three times a day together with food.",
        "You should not exceed 600 mg per day.",
        "Children younger than 12 may take the medicine.",
        "Headache and dizziness are common side effects.",
        "The medicine is suitable for children under 12.",
    ),
    9: (
        "The museum opens at 10:00 and closes at 19:00 from Tuesday to Sunday.",
        "On Fridays it is open until 9 p.m..",
        "A ticket costs €12, or €8 at the reduced rate.",
        "Children under 8 do not pay admission.",
        "The café is on the second floor.",
    ),
    10: (
        "Version 2.4.0 switched to Python 3.12.",
        "parse_date returns None rather than raising a ValueError.",
        "Windows 7 is still supported.",
        "If you need Windows 7, stay on version 2.3.8.",
    ),
    11: (
        "2021 wurden 1250 Wohnungen fertiggestellt.",
        "Das waren 15 Prozent mehr als ein Jahr zuvor.",
        "Der Mietspiegel wird alle drei Jahre erneuert.",
        "Familien mit Kindern bekommen jährlich 200 € Zuschuss.",
        "Im Mai beschloss der Stadtrat, den Mietspiegel regelmäßig zu erneuern.",
    ),
    12: (
        "Clara Lindgren designed the bridge.",
        "The bridge opened in July of 1974.",
        "It has six lanes and a length of 412 m.",
        "Corrosion made it necessary to strengthen the southern tower in 2009.",
        "Trucks heavier than 40 tons must take the tunnel.",
    ),
}


def free_cases() -> list[Case]:
    """Every answer, true and false, among all passages and citing the one it is about."""
    hits = {marker: _hit(marker, text) for marker, text in enumerate(_PASSAGES, start=1)}
    return [
        Case(kind, f"{answer[:-1]} [{number + 1}].", hits, true)
        for kind, true, answers in (("own words", True, _TRUE), ("own words, false", False, _FALSE))
        for number, those in answers.items()
        for answer in those
    ]


def _hit(marker: int, text: str) -> Hit:
    passage = Passage(f"p{marker}", 0, text, 0, len(text), len(text) // 4, "0" * 32)
    return Hit(marker, passage, marker, f"own-words-{marker}.md", "", 1.0)
