"""What weather, cameras and mountings do to a picture: one training example from one picture."""

import cv2
import numpy as np

WIDTH, HEIGHT = 416, 240
# Colours of water, of mean about 1: brown, ochre, green, grey, blue.
MUD = np.array([[1.25, 1, 0.7], [1.2, 1.05, 0.8], [0.9, 1.1, 0.85], [1, 1, 1], [0.85, 1, 1.2]], np.float32)


def geometry(image, mask, size, random):
    """A crop, turned and mirrored, of `size` (width, height); outside the picture is unknown.

    A smaller size takes a smaller crop, so that things keep the size that they have at 416 x 240.
    """
    height, width = mask.shape
    part = min(random.uniform(0.5, 1.15), 1.0) * (size[0] / WIDTH) ** 0.5 * 1.05
    stretch = np.exp(random.normal() * 0.1)
    angle = np.radians(random.normal() * 3)
    across, down = part * stretch * width / size[0], part / stretch * height / size[1]
    across *= -1 if random.random() < 0.5 else 1
    spare = max(0.0, 1 - part)
    centre = (width * (0.5 + random.uniform(-0.5, 0.5) * spare), height * (0.5 + random.uniform(-0.5, 0.5) * spare))
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[across * c, -down * s, 0], [across * s, down * c, 0]])
    matrix[:, 2] = centre - matrix[:, :2] @ np.array([size[0] / 2, size[1] / 2])
    flags = cv2.WARP_INVERSE_MAP
    image = cv2.warpAffine(image, matrix, size, flags=flags | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mask = cv2.warpAffine(
        mask, matrix, size, flags=flags | cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=128
    )
    return image, mask


def colour(image, random):
    """Exposure, contrast, white balance, hue and saturation; float [h, w, 3] in 0..1."""
    x = image.astype(np.float32) / 255
    x *= random.uniform(0.85, 1.15, 3).astype(np.float32)
    if random.random() < 0.3:  # water is brown and green as well
        hsv = cv2.cvtColor(np.clip(x, 0, 1), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + random.uniform(-60, 60)) % 360
        x = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    grey = x.mean(2, keepdims=True)
    x = grey + (x - grey) * random.uniform(0.4, 1.4)
    mean = x.mean()
    x = mean + (x - mean) * random.uniform(0.65, 1.35)
    x = np.clip(x * random.uniform(0.65, 1.35), 1e-4, 1) ** random.uniform(0.7, 1.5)
    if random.random() < 0.12:
        x = np.repeat(x.mean(2, keepdims=True), 3, 2)
    return x


def surface(x, mask, random):
    """Water of another colour (mud, weeds, a grey sky) and the sun's glitter on it, only where there is water."""
    water = (mask == 255).astype(np.float32)
    if water.mean() < 0.01:
        return x
    water = cv2.GaussianBlur(water, (0, 0), 0.8)[..., None]
    if random.random() < 0.35:
        grey = x.mean(2, keepdims=True)
        tint = MUD[random.integers(len(MUD))] * random.uniform(0.85, 1.15, 3)
        bright = random.uniform(0.7, 1.3)
        dull = random.uniform(0.4, 1)  # muddy water shows less of what is below it
        level = grey.mean() + (grey - grey.mean()) * dull
        share = water * random.uniform(0.4, 1)
        x = x * (1 - share) + share * (level * bright * tint).astype(np.float32)
    if random.random() < 0.2:
        height, width = mask.shape
        rough = random.normal(size=(height // 2, width // random.integers(4, 12))).astype(np.float32)
        rough = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
        place = random.uniform(0, width)
        path = np.exp(-(((np.arange(width) - place) / random.uniform(0.1, 0.6) / width) ** 2)).astype(np.float32)
        glitter = np.clip(rough - random.uniform(0, 1.2), 0, 1) * path * random.uniform(0.4, 1.5)
        x = x + water * glitter[..., None]
    return np.clip(x, 0, 1)


def weather(x, random):
    """Night, fog, low sun on the lens, rain."""
    height, width = x.shape[:2]
    draw = random.random()
    if draw < 0.13:
        tint = np.array([1, 0.9, 0.7] if random.random() < 0.5 else [0.75, 0.85, 1], np.float32)
        x = x ** random.uniform(1.2, 2.2) * random.uniform(0.15, 0.6) * tint
    elif draw < 0.27:
        depth = np.linspace(random.uniform(0.3, 0.95), random.uniform(0, 0.35), height, dtype=np.float32)[:, None, None]
        x = x * (1 - depth) + random.uniform(0.5, 0.9) * depth
    elif draw < 0.33:
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        far = np.hypot(columns - random.uniform(0, width), rows - random.uniform(0, height * 0.6))
        x = x + random.uniform(0.3, 0.9) * np.exp(-far / random.uniform(20, 120))[..., None]
    elif draw < 0.4:
        streaks = (random.random((height, width)) > 0.995).astype(np.float32)
        kernel = np.zeros((9, 9), np.float32)
        cv2.line(kernel, (4 + int(random.integers(-2, 3)), 0), (4, 8), 1)
        x = x * 0.85 + 0.08 + 0.4 * cv2.filter2D(streaks, -1, kernel)[..., None]
    return np.clip(x, 0, 1)


def camera(x, random):
    """Blur, a small sensor, noise and JPEG; uint8 [h, w, 3]."""
    if random.random() < 0.2:
        x = cv2.GaussianBlur(x, (0, 0), random.uniform(0.4, 1.6))
    if random.random() < 0.15:
        scale = random.uniform(0.3, 0.7)
        small = cv2.resize(x, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        x = cv2.resize(small, x.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.35:
        x = x + random.normal(size=x.shape).astype(np.float32) * random.uniform(0.005, 0.06)
    image = (np.clip(x, 0, 1) * 255).round().astype(np.uint8)
    if random.random() < 0.3:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(15, 60))])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return image


def example(image, mask, size, random):
    """One example of `size` (width, height): uint8 [h, w, 3] and [h, w]."""
    image, mask = geometry(image, mask, size, random)
    return camera(weather(surface(colour(image, random), mask, random), random), random), mask
