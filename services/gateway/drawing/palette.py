"""A colour for each emotion that people with any kind of colour vision can tell apart."""

from services.contracts.emotions import Emotion

RGB = tuple[int, int, int]

# Okabe and Ito, "Color Universal Design" (2008), and white. Their orange is left out: it is the nearest to vermilion.
COLOURS: dict[Emotion, RGB] = {
    Emotion.ANGRY: (213, 94, 0),
    Emotion.DISGUST: (0, 158, 115),
    Emotion.FEAR: (204, 121, 167),
    Emotion.HAPPY: (240, 228, 66),
    Emotion.SAD: (0, 114, 178),
    Emotion.SURPRISE: (86, 180, 233),
    Emotion.NEUTRAL: (255, 255, 255),
}
UNCERTAIN: RGB = (160, 160, 160)
BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)


def ink_on(background: RGB) -> RGB:
    """Return black or white, whichever is read better on a colour: WCAG 2.2's contrast ratio."""
    return max((BLACK, WHITE), key=lambda ink: contrast(ink, background))


def contrast(one: RGB, other: RGB) -> float:
    """Return WCAG 2.2's contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(rgb: RGB) -> float:
    red, green, blue = (_linear(part / 255) for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
