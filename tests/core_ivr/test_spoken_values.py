"""Values read aloud: what is heard for each form in both languages, and that nothing else is ever said."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cti_engine.core.ivr import recorded_numbers
from cti_engine.core.ivr.number_words import FEMININE, MASCULINE, cardinal
from cti_engine.core.ivr.spoken_values import CURRENCIES, FORMS, LANGUAGES, fragments_of, read_aloud
from speech.phrases import PHRASES
from speech.prompt_cache import SOUNDS

TODAY = "2026-11-28"


def heard(value: object, form: str, language: str, currency: str = "EUR") -> str:
    """A pause is written `|`."""
    fragments = read_aloud(value, form, language, currency, TODAY)
    assert fragments is not None
    return " ".join(fragment or "|" for fragment in fragments)


@pytest.mark.parametrize(
    ("number", "english", "spanish"),
    [
        (0, "zero", "cero"),
        (15, "fifteen", "quince"),
        (21, "twenty-one", "veintiuno"),
        (31, "thirty-one", "treinta y uno"),
        (100, "one hundred", "cien"),
        (101, "one hundred one", "ciento uno"),
        (542, "five hundred forty-two", "quinientos cuarenta y dos"),
        (1000, "one thousand", "mil"),
        (1001, "one thousand one", "mil uno"),
        (21_000, "twenty-one thousand", "veintiún mil"),
        (31_531, "thirty-one thousand five hundred thirty-one", "treinta y un mil quinientos treinta y uno"),
        (100_000, "one hundred thousand", "cien mil"),
        (101_000, "one hundred one thousand", "ciento un mil"),
        (1_000_000, "one million", "un millón"),
        (21_000_002, "twenty-one million two", "veintiún millones dos"),
        (
            999_999_999,
            "nine hundred ninety-nine million nine hundred ninety-nine thousand nine hundred ninety-nine",
            "novecientos noventa y nueve millones novecientos noventa y nueve mil novecientos noventa y nueve",
        ),
        (-4, "minus four", "menos cuatro"),
        (3.5, "three point five", "tres coma cinco"),
        (2.05, "two point zero five", "dos coma cero cinco"),
        (5.0, "five", "cinco"),
        (-0.001, "zero", "cero"),
        (
            1_000_000_000,
            "one zero zero | zero zero zero | zero zero zero zero",
            "uno cero cero | cero cero cero | cero cero cero cero",
        ),
    ],
)
def test_numbers_are_said_as_people_say_them(number: float, english: str, spanish: str) -> None:
    """Spanish `uno` is `un` before `mil` and `millones`; what is too large goes digit by digit."""
    assert heard(number, "number", "en") == english
    assert heard(number, "number", "es") == spanish


def test_spanish_numbers_agree_with_their_noun() -> None:
    """Veintiún minutos, veintiuna horas; doscientas mil libras, but un millón whatever follows."""
    assert " ".join(cardinal(21, "es", MASCULINE)) == "veintiún"
    assert " ".join(cardinal(31, "es", FEMININE)) == "treinta y una"
    assert " ".join(cardinal(200_201, "es", FEMININE)) == "doscientas mil doscientas una"
    assert " ".join(cardinal(1_500_001, "es", FEMININE)) == "un millón quinientas mil una"


@pytest.mark.parametrize(
    ("value", "currency", "english", "spanish"),
    [
        (1234.5, "EUR", "one thousand two hundred thirty-four euros and fifty cents",
         "mil doscientos treinta y cuatro euros con cincuenta céntimos"),
        (1, "USD", "one dollar", "un dólar"),
        ("21.01", "GBP", "twenty-one pounds and one penny", "veintiuna libras con un penique"),
        (1_000_000, "MXN", "one million pesos", "un millón de pesos"),
        (0, "EUR", "zero euros", "cero euros"),
        (0.99, "EUR", "ninety-nine cents", "noventa y nueve céntimos"),
        (-20, "EUR", "minus twenty euros", "menos veinte euros"),
        (19.995, "USD", "twenty dollars", "veinte dólares"),
        (1500.4, "CLP", "one thousand five hundred pesos", "mil quinientos pesos"),
    ],
)  # fmt: skip
def test_money_is_said_with_its_currency(value: object, currency: str, english: str, spanish: str) -> None:
    """Units and hundredths, singular and plural, `un millón de`, and no hundredths where a currency has none."""
    assert heard(value, "money", "en", currency) == english
    assert heard(value, "money", "es", currency) == spanish


@pytest.mark.parametrize(
    ("form", "value", "english", "spanish"),
    [
        ("date", "2026-12-05", "December fifth", "el cinco de diciembre"),
        ("date", "2026-01-01", "January first", "el primero de enero"),
        ("date", "2026-12-05T10:00:00Z", "December fifth", "el cinco de diciembre"),
        ("date", "2027-03-21", "March twenty-first twenty twenty-seven",
         "el veintiuno de marzo de dos mil veintisiete"),
        ("date", "2005-02-28", "February twenty-eighth two thousand five",
         "el veintiocho de febrero de dos mil cinco"),
        ("date", "1985-02-28", "February twenty-eighth nineteen eighty-five",
         "el veintiocho de febrero de mil novecientos ochenta y cinco"),
        ("time", "09:30", "nine thirty A M", "las nueve y media de la mañana"),
        ("time", "13:05", "one oh five P M", "la una y cinco de la tarde"),
        ("time", "21:15", "nine fifteen P M", "las nueve y cuarto de la noche"),
        ("time", "12:00", "twelve noon", "las doce del mediodía"),
        ("time", "00:00", "midnight", "las doce de la noche"),
        ("time", "00:20", "twelve twenty A M", "las doce y veinte de la noche"),
        ("time", "03:00", "three A M", "las tres de la madrugada"),
        ("time", "2026-12-05T18:45:00", "six forty-five P M", "las seis y cuarenta y cinco de la tarde"),
        ("duration", 45, "forty-five seconds", "cuarenta y cinco segundos"),
        ("duration", 60, "one minute", "un minuto"),
        ("duration", 1270, "twenty-one minutes", "veintiún minutos"),
        ("duration", 3599, "one hour", "una hora"),
        ("duration", 75_660, "twenty-one hours and one minute", "veintiuna horas y un minuto"),
        ("digits", "+34 911", "three four nine | one one", "tres cuatro nueve | uno uno"),
        ("digits", "5550", "five five five zero", "cinco cinco cinco cero"),
        ("digits", "5551234", "five five five | one two three four", "cinco cinco cinco | uno dos tres cuatro"),
    ],
)  # fmt: skip
def test_dates_times_durations_and_digits(form: str, value: object, english: str, spanish: str) -> None:
    """By the rules of each language; the year only when it is another one than today's."""
    assert heard(value, form, "en") == english
    assert heard(value, form, "es") == spanish


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("number", None),
        ("number", True),
        ("number", "many"),
        ("number", float("nan")),
        ("number", float("inf")),
        pytest.param("number", 10**5000, id="huge"),
        ("digits", "none"),
        ("digits", "7" * 25),
        ("digits", float("inf")),
        ("money", "1.234,50"),
        ("money", 1e12),
        ("money", [1]),
        ("date", "2026-02-30"),
        ("date", "tomorrow"),
        ("time", "24:00"),
        ("time", "9:30"),
        ("duration", -1),
        ("duration", 360_000),
        ("duration", "90"),
        ("smell", 1),
    ],
)
def test_what_cannot_be_read_is_not_guessed(form: str, value: object) -> None:
    """None, so that the sentence is left out: a look-up may answer anything."""
    for language in LANGUAGES:
        assert read_aloud(value, form, language, "EUR", TODAY) is None


_values = st.one_of(
    st.integers(-(10**10), 10**10),
    st.floats(),
    st.dates().map(str),
    st.times().map(str),
    st.text(max_size=12),
    st.text("0123456789.-:", max_size=30),
)


@given(_values, st.sampled_from(FORMS), st.sampled_from(LANGUAGES), st.sampled_from(sorted(CURRENCIES["en"])))
@example(0, "money", "es", "GBP")
@example(200_000_001, "money", "es", "GBP")
def test_only_what_was_prepared_is_said(value: object, form: str, language: str, currency: str) -> None:
    """Every fragment of any value is in the finite inventory of its form, and nothing raises."""
    said = read_aloud(value, form, language, currency, TODAY)
    assert said is None or set(said) <= set(fragments_of(form, language, currency))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_inventories_are_small(form: str, language: str) -> None:
    """At most 200 fragments a form, so that making them takes seconds."""
    assert len(set(fragments_of(form, language, "EUR"))) <= 200


def test_both_languages_know_the_same_currencies() -> None:
    """A flow in two languages reads each amount in both."""
    assert CURRENCIES["en"].keys() == CURRENCIES["es"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_recorded_numbers_say_the_same_in_recorded_sounds(language: str) -> None:
    """What the sounds of a number say is its cardinal; each sound has a text and a human recording."""
    numbers = [*range(1200), 20_000, 21_000, 31_021, 100_000, 101_001, 1_000_000, 21_000_000, 999_999_999]
    used: set[str] = set()
    for number in numbers:
        sounds = recorded_numbers.cardinal(number, language)
        said = " ".join(PHRASES[language][sound] for sound in sounds)
        expected = " ".join(cardinal(number, language)).replace("-", " ")
        if language == "es":
            said = said.replace("veinti un", "veintiún")
        assert said == expected
        used |= set(sounds)
    assert used <= recorded_numbers.cardinal_sounds(language) <= PHRASES[language].keys()
    [folder] = SOUNDS.glob(f"{language}_*")
    assert not [sound for sound in used if not (folder / f"{sound}.wav").is_file()]
