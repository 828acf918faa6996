"""Draws the dashboard of a local stack into docs/dashboard.png, with what the emulator has of its metrics and alarms.

The emulator stores the dashboard but doesn't show it. The picture has what AWS shows, and not the console's looks.
"""

import tools  # first, for its check of the Python version  # isort: skip

import argparse
import io
import json
import math
import sys
from datetime import datetime, timezone
from typing import Any

from emulator import client
from state import DEFAULT_NAME, Files

PICTURE = tools.ROOT / "docs" / "dashboard.png"
WIDTH, UNIT_HEIGHT, DPI = 1280, 50, 100  # in pixels
COLUMNS = 24  # of the dashboard's grid
ALARMS_IN_A_ROW = 4
COLOURS = {"OK": "#1d8102", "ALARM": "#d13212", "INSUFFICIENT_DATA": "#879596"}


def query(number: int, metric: list[Any], properties: dict[str, Any], period: int) -> dict[str, Any]:
    """A metric of a widget ("Dashboard body structure and syntax", CloudWatch API reference) for GetMetricData."""
    namespace, name, *dimensions = [part for part in metric if isinstance(part, str)]
    options = metric[-1] if isinstance(metric[-1], dict) else {}
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    dimensions = [{"Name": key, "Value": value} for key, value in pairs]
    return {
        "Id": f"m{number}",
        "Label": options.get("label", name),
        "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions},
            "Period": period,
            "Stat": options.get("stat", properties["stat"]),
        },
    }


def draw_metrics(axes: Any, properties: dict[str, Any], cloudwatch: Any, times: list[datetime], period: int) -> None:
    queries = [query(number, metric, properties, period) for number, metric in enumerate(properties["metrics"])]
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=times[0], EndTime=times[-1])
    results = answer["MetricDataResults"]
    for result in results:
        values = dict(zip(result["Timestamps"], result["Values"], strict=True))
        # A period without data is a gap. A point between two gaps is seen only with a marker.
        line = [values.get(at, math.nan) for at in times]
        axes.plot(times, line, label=result["Label"], linewidth=1.2, marker=".", markersize=3, clip_on=False)
    highest = max((value for result in results for value in result["Values"]), default=0)
    axes.set(xlim=(times[0], times[-1]), ylim=(0, highest * 1.05 or 1))
    axes.set_title(properties["title"], loc="left", fontsize=8.5, fontweight="bold")
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=6))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))
    axes.tick_params(labelsize=7, length=2)
    axes.grid(color="#eaeded", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    below = {"loc": "upper left", "bbox_to_anchor": (-0.08, -0.12), "ncols": 5 if len(queries) <= 5 else 4}
    axes.legend(**below, fontsize=7, frameon=False, columnspacing=1, handlelength=1, borderaxespad=0)


def draw_alarms(axes: Any, properties: dict[str, Any], cloudwatch: Any) -> None:
    names = [arn.split(":alarm:")[1] for arn in properties["alarms"]]
    alarms = cloudwatch.describe_alarms(AlarmNames=names, MaxRecords=100)["MetricAlarms"]
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}
    for number, name in enumerate(names):
        row, column = divmod(number, ALARMS_IN_A_ROW)
        corner, colour = (column + 0.01, row + 0.08), COLOURS[states[name]]
        axes.add_patch(Rectangle(corner, 0.98, 0.84, facecolor=colour, alpha=0.12))
        axes.add_patch(Rectangle(corner, 0.02, 0.84, facecolor=colour))
        axes.text(column + 0.05, row + 0.5, name, fontsize=7, verticalalignment="center")
    axes.set(xlim=(0, ALARMS_IN_A_ROW), ylim=(math.ceil(len(names) / ALARMS_IN_A_ROW), 0))
    axes.axis("off")


def draw(stack: dict[str, Any], minutes: int, period: int) -> None:
    cloudwatch = client("cloudwatch", stack["endpoint"])
    body = json.loads(cloudwatch.get_dashboard(DashboardName=stack["stack_name"])["DashboardBody"])
    # Periods begin at multiples of their length. The last one isn't over, so it stays empty.
    end = int(datetime.now(timezone.utc).timestamp()) // period * period
    times = [datetime.fromtimestamp(at, timezone.utc) for at in range(end - minutes * 60, end + 1, period)]

    height = max(widget["y"] + widget["height"] for widget in body["widgets"])
    figure = Figure(figsize=(WIDTH / DPI, height * UNIT_HEIGHT / DPI), dpi=DPI)
    for widget in body["widgets"]:
        kind, properties = widget["type"], widget["properties"]
        # A graph has the values to its left, its title above, and the times and the legend below.
        left, above, right, below = (0.8, 0.7, 0.4, 1.5) if kind == "metric" else (0.2, 0, 0.2, 0)
        wide, high = widget["width"] - left - right, widget["height"] - above - below
        x, bottom = widget["x"] + left, height - widget["y"] - above - high
        axes = figure.add_axes((x / COLUMNS, bottom / height, wide / COLUMNS, high / height))
        if kind == "metric":
            draw_metrics(axes, properties, cloudwatch, times, period)
        elif kind == "alarm":
            draw_alarms(axes, properties, cloudwatch)
        else:
            axes.text(0, 0.4, properties["markdown"].lstrip("# "), fontsize=12, fontweight="bold")
            axes.axis("off")

    png = io.BytesIO()
    figure.savefig(png, format="png")
    # A palette makes the file smaller.
    Image.open(png).convert("RGB").quantize(256).save(PICTURE, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default=DEFAULT_NAME, help="the name given to stack.py")
    parser.add_argument("--minutes", type=int, default=15, help="how far back to draw (default: %(default)s)")
    parser.add_argument("--period", type=int, default=60, help="seconds; by default 60, without ALARM_PERIOD_SECONDS")
    arguments = parser.parse_args()
    stack = Files(arguments.name).read_state()
    if not stack:
        sys.exit("error: the stack isn't up")
    draw(stack, arguments.minutes, arguments.period)


if __name__ == "__main__":
    tools.continue_in("dashboard")
    # Installed in that environment only.
    from matplotlib.dates import AutoDateLocator, DateFormatter
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator
    from PIL import Image

    main()
