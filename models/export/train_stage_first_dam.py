"""Trains and writes `models/stage-first-dam`: the stage of a river in metres from two counts of water pixels.

The camera is the First Dam site of the HydroCam project (Logan River, Utah), the gauge is USGS 10109000 beside it.
README.md says where to get the two CSV files, and with which words to run this.
"""

import csv
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_error, r2_score

import options
from folder import Array, Refused, Toml, run
from forest import tabular

METRES_PER_FOOT = 0.3048

# The camera names its images in one zone all year (Etc/GMT+7): names of 2025-03-09 02:00 exist, an hour that the
# gauge's local time skips.
CAMERA = timezone(timedelta(hours=-7))
# The gauge's table is in local time with summer time, and says in each row which of the two it is.
GAUGE = {"MST": timezone(timedelta(hours=-7)), "MDT": timezone(timedelta(hours=-6))}

# Gates of the study whose counts these are (data_analysis_FD.ipynb): segmentation trusted, daylight, both regions seen,
# and from the day on which the camera stands as it stands now.
LEAST_IOU = 0.7
HOURS = range(7, 21)
LEAST_PIXELS = 100
SINCE = datetime(2024, 8, 1, tzinfo=CAMERA)

TREES = (20, 50, 100)
DEPTHS = (3, 4, 5, 6, 8, 10)

SOURCE = """\
A random forest trained by models/export/train_stage_first_dam.py.
Pixel counts: firstdamsite.csv of https://github.com/hydrocam/water-segmentation
(Copyright (c) 2024, Utah State University, BSD-3-Clause).
Stage: USGS gauge 10109000, Logan River above State Dam, near Logan, Utah (USGS NWIS, public domain).
Good for this camera in this position only, and for counts in its 1920x1080 frame within
ROI1 = [[810, 670], [980, 620], [1000, 770], [830, 830]] and
ROI2 = [[400, 810], [630, 720], [630, 920], [400, 1050]]
(the regions of the edge_test/*/first_dam scripts there; these filled are the largest counts, 27786 and 51051)."""


class Row(NamedTuple):
    """One image that passed the gates, and what the gauge showed then."""

    time: datetime
    roi1: float
    roi2: float
    stage: float
    """Metres above the gauge's datum."""


def read_gauge(path: Path, in_utc: bool) -> dict[datetime, float]:
    """Stage in metres by time, a reading each 15 minutes; rows without a reading are left out.

    With `in_utc` false the local time is taken as it stands, as the study did (an hour off in summer).
    """
    readings = {}
    for row in read(path, ("datetime", "tz_cd", "144277_00065")):
        try:
            time, stage = datetime.fromisoformat(row["datetime"]), float(row["144277_00065"])
        except ValueError:
            continue  # the line of column widths below the header, or ice
        zone = GAUGE[row["tz_cd"]] if in_utc else CAMERA
        readings.setdefault(time.replace(tzinfo=zone).astimezone(UTC), stage * METRES_PER_FOOT)
    return readings


def read_images(path: Path, gauge: dict[datetime, float]) -> list[Row]:
    """The images that pass the gates on single images and have a reading within 7.5 minutes, oldest first."""
    rows = []
    for row in read(path, ("image_timestamp", "iou_score", "roi")):
        time = datetime.fromisoformat(row["image_timestamp"]).replace(tzinfo=CAMERA)
        roi1, roi2 = (float(part) for part in row["roi"].strip("{}").split(","))
        stage = gauge.get(nearest_quarter(time).astimezone(UTC))
        good = float(row["iou_score"]) >= LEAST_IOU and time.hour in HOURS and min(roi1, roi2) > LEAST_PIXELS
        if good and stage is not None:
            rows.append(Row(time, roi1, roi2, stage))
    return sorted(rows)


def read(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file that must have these columns."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = set(columns) - set(rows.fieldnames or ())
            if missing:
                raise Refused(f"{path} has no column {' and '.join(sorted(missing))}: it is not the file of README.md")
            yield from rows
    except OSError as reason:
        raise Refused(f"{path} cannot be read: {reason.strerror}") from reason


def nearest_quarter(time: datetime) -> datetime:
    """The nearest full quarter of an hour."""
    late = timedelta(minutes=time.minute % 15, seconds=time.second)
    return time - late + (timedelta(minutes=15) if late >= timedelta(minutes=7.5) else timedelta())


def gated(rows: list[Row]) -> tuple[Array, Array]:
    """The counts (float32 [n, 2]) and stages (m, [n]) after the gates on the whole: clip at the 99th percentile, keep
    what the study keeps of time, drop what lies more than 1.5 quartile ranges outside."""
    x = np.array([(row.roi1, row.roi2) for row in rows])
    x = np.minimum(x, np.quantile(x, 0.99, axis=0))
    y = np.array([row.stage for row in rows])
    keep = np.array([row.time >= SINCE for row in rows])
    x, y = x[keep], y[keep]
    for column in (0, 1):
        low, high = np.quantile(x[:, column], (0.25, 0.75))
        reach = 1.5 * (high - low)
        inside = (x[:, column] >= low - reach) & (x[:, column] <= high + reach)
        x, y = x[inside], y[inside]
    return x.astype(np.float32), y


def first(x: Array, y: Array, share: float) -> tuple[Array, Array, Array, Array]:
    """Splits rows that are ordered by time: the first `share` to learn from, the rest to test on."""
    cut = int(len(y) * share)
    return x[:cut], y[:cut], x[cut:], y[cut:]


def forest(trees: int, depth: int) -> RandomForestRegressor:
    """An untrained forest. Leaves of five images at least: single images are noise."""
    return RandomForestRegressor(trees, max_depth=depth, min_samples_leaf=5, random_state=42)


def chosen_size(x: Array, y: Array) -> tuple[int, int]:
    """Trees and depth: the smallest forest within 1 % of the best error on the last fifth of the rows given, when
    trained on the rest. The rows of the published test are not given."""
    learn_x, learn_y, test_x, test_y = first(x, y, 0.8)
    errors = {
        size: mean_absolute_error(test_y, forest(*size).fit(learn_x, learn_y).predict(test_x))
        for size in itertools.product(TREES, DEPTHS)
    }
    good = [size for size, e in errors.items() if e <= 1.01 * min(errors.values())]
    return min(good, key=lambda size: size[0] * 2 ** size[1])


def score(x: Array, y: Array, size: tuple[int, int]) -> tuple[float, float]:
    """R2 and mean absolute error (m) on the last fifth in time of a forest trained on the rest."""
    learn_x, learn_y, test_x, test_y = first(x, y, 0.8)
    predicted = forest(*size).fit(learn_x, learn_y).predict(test_x)
    return r2_score(test_y, predicted), mean_absolute_error(test_y, predicted)


def main() -> None:
    """Trains the forest and writes its folder."""
    parser = options.parser(
        __doc__.splitlines()[0],
        "  python train_stage_first_dam.py ../stage-first-dam --licence 'MIT OR Apache-2.0' \\\n"
        "      --images firstdamsite.csv --gauge USGS_FD.csv\n",
    )
    parser.add_argument("--images", type=Path, required=True, metavar="CSV", help="the camera's firstdamsite.csv")
    parser.add_argument("--gauge", type=Path, required=True, metavar="CSV", help="the gauge's USGS_FD.csv")
    given = parser.parse_args()

    x, y = gated(read_images(given.images, read_gauge(given.gauge, in_utc=True)))
    learn_x, learn_y, _, test_y = first(x, y, 0.8)
    size = chosen_size(learn_x, learn_y)
    r2, error = score(x, y, size)
    as_study = score(*gated(read_images(given.images, read_gauge(given.gauge, in_utc=False))), size)
    figures: Toml = {
        "r2": round(r2, 3),
        "mae_m": round(error, 4),
        "measured_on": "the last 20 % of the images in time, trained on the first 80 %; the forest shipped has all",
        "images": len(y),
        "mae_m_of_the_mean": round(float(np.abs(test_y - learn_y.mean()).mean()), 4),
        "size": f"{size[0]} trees of depth {size[1]}, chosen on the last fifth of the first 80 %",
        "r2_local_times_as_they_stand": round(as_study[0], 3),
        "mae_m_local_times_as_they_stand": round(as_study[1], 4),
        "stage_range_m": [round(float(y.min()), 3), round(float(y.max()), 3)],
    }
    features = [
        {"name": name, "min": float(column.min()), "max": float(column.max())}
        for name, column in zip(("ROI1", "ROI2"), x.T, strict=True)
    ]
    parts = tabular(forest(*size).fit(x, y), features, None, name="stage", unit="m")
    options.finish(given, SOURCE, "Stage at First Dam from two counts of water pixels", figures=figures, **parts)


if __name__ == "__main__":
    run(main)
