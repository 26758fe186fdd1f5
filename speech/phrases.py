"""What the sounds that we use say: spoken by an engine where their human recording is not installed."""

from __future__ import annotations

# fmt: off
_ENGLISH = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)
_SPANISH = (
    "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce",
    "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno",
    "veintidós", "veintitrés", "veinticuatro", "veinticinco", "veintiséis", "veintisiete", "veintiocho",
    "veintinueve", "treinta",
)
# fmt: on

PHRASES: dict[str, dict[str, str]] = {
    "en": {
        **{f"digits/{number}": word for number, word in enumerate(_ENGLISH)},
        **{
            f"digits/{name}": word
            for name, word in {
                "30": "thirty",
                "40": "forty",
                "50": "fifty",
                "60": "sixty",
                "70": "seventy",
                "80": "eighty",
                "90": "ninety",
                "hundred": "hundred",
                "thousand": "thousand",
                "million": "million",
                "star": "star",
                "pound": "pound",
            }.items()
        },
        "queue-thankyou": "Thank you for your patience.",
        "queue-periodic-announce": (
            "All our representatives are currently busy. Please hold on, and we will answer your call "
            "as soon as possible."
        ),
        "queue-youarenext": (
            "Your call is now first in line, and will be answered by the next available representative."
        ),
        "queue-thereare": "You are currently caller number",
        "queue-callswaiting": "waiting to speak with a representative.",
        "queue-quantity1": "There are more than",
        "queue-quantity2": "callers waiting to speak with a representative.",
        "queue-holdtime": "The estimated hold time is currently",
        "queue-reporthold": "Hold time",
        "queue-less-than": "less than",
        "queue-minute": "minute",
        "queue-minutes": "minutes",
        "queue-seconds": "seconds",
        "please-try-again": "Please try again.",
        "vm-goodbye": "Goodbye.",
    },
    "es": {
        **{f"digits/{number}": word for number, word in enumerate(_SPANISH)},
        **{
            f"digits/{name}": word
            for name, word in {
                "1M": "un",
                "40": "cuarenta",
                "50": "cincuenta",
                "60": "sesenta",
                "70": "setenta",
                "80": "ochenta",
                "90": "noventa",
                "hundred": "cien",
                "100-and": "ciento",
                "200": "doscientos",
                "300": "trescientos",
                "400": "cuatrocientos",
                "500": "quinientos",
                "600": "seiscientos",
                "700": "setecientos",
                "800": "ochocientos",
                "900": "novecientos",
                "20-and": "veinti",
                "thousand": "mil",
                "million": "millón",
                "millions": "millones",
                "and": "y",
                "star": "asterisco",
                "pound": "numeral",
            }.items()
        },
        "queue-thankyou": "Gracias por su paciencia.",
        "queue-periodic-announce": (
            "Todos nuestros agentes están ocupados. Por favor, permanezca en la línea: atenderemos su "
            "llamada lo antes posible."
        ),
        "queue-youarenext": (
            "Su llamada es ahora la primera de la cola, y será atendida por el próximo agente disponible."
        ),
        "queue-thereare": "Su llamada es la número",
        "queue-callswaiting": "en espera de ser atendida por un agente.",
        "queue-quantity1": "Hay más de",
        "queue-quantity2": "llamadas en espera de ser atendidas por un agente.",
        "queue-holdtime": "El tiempo de espera estimado es de",
        "queue-reporthold": "Tiempo de espera",
        "queue-less-than": "menos de",
        "queue-minute": "minuto",
        "queue-minutes": "minutos",
        "queue-seconds": "segundos",
        "please-try-again": "Por favor, inténtelo de nuevo.",
        "vm-goodbye": "Adiós.",
    },
}
