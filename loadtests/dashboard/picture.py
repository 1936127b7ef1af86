"""Draws panels of a Grafana dashboard with matplotlib: picture.py FIGURES PICTURE, where ./run writes the figures."""

import io
import json
import re
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator, MultipleLocator
from PIL import Image

COLUMNS = 4
LEGEND_LETTERS = 66  # as many fit below a panel
UNITS = {"s": "s", "watt": "W", "joule": "J", "reqps": "requests/s", "percentunit": "%", "none": "", "tok/s": "tokens/s"}
COLORS = {
    "green": "#56a64b", "yellow": "#e0b400", "orange": "#ff780a", "red": "#e02f44", "dark-red": "#ad0317", "purple": "#a352cc",
    "blue": "#3274d9", "super-light-blue": "#8ab8ff", "text": "#555555",
}  # fmt: skip
OTHER_COLORS = ["#3274d9", "#e0b400", "#56a64b", "#a352cc", "#ff780a", "#e02f44"]


def properties(panel, name):
    """What the panel's overrides say of a series, by property."""
    found = {}
    for override in panel["fieldConfig"]["overrides"]:
        matcher = override["matcher"]
        pattern = matcher["options"]
        if pattern == name or matcher["id"] == "byRegexp" and re.search(pattern.strip("/"), name):
            found |= {each["id"]: each["value"] for each in override["properties"]}
    return found


def unit_of(panel):
    unit = panel["fieldConfig"]["defaults"].get("unit") or panel["options"]["yAxis"]["unit"]
    return UNITS[unit.removeprefix("suffix:").strip()]


def heat_map(axes, series):
    """Counts by time and bucket. Edges are not evenly spaced, so rows are, and say their upper edge."""
    series.sort(key=lambda each: float(each["legend"].replace("+Inf", "inf")))
    times = sorted({at for each in series for at, _ in each["points"]})
    cumulative = np.array([[dict(map(tuple, each["points"])).get(at, 0) for at in times] for each in series])
    counts = np.diff(cumulative, axis=0, prepend=0).clip(min=0)
    filled = np.nonzero(counts.sum(axis=1) > 0.5)[0]
    low, high = filled[0], filled[-1] + 1
    shown = np.ma.masked_less(counts[low:high], 0.5)
    axes.pcolormesh(np.array(times) / 60, np.arange(low, high), shown, cmap="Blues", norm=PowerNorm(0.5, vmin=-2), shading="nearest")
    axes.set_yticks(np.arange(low, high) + 0.5, [each["legend"] for each in series[low:high]])
    axes.set_ylim(low - 0.5, high - 0.5)


def lines(axes, panel, series):
    custom = panel["fieldConfig"]["defaults"]["custom"]
    percent = panel["fieldConfig"]["defaults"].get("unit") == "percentunit"
    series = [each for each in series if any(value for _, value in each["points"])]  # those that stay 0 say nothing
    others = iter(OTHER_COLORS * 3)
    base = {}
    for each in series:
        own = properties(panel, each["legend"])
        color = COLORS[own["color"]["fixedColor"]] if "color" in own else next(others)
        style = own.get("custom.lineStyle", {}).get("fill")
        look = {"color": color, "label": each["legend"], "linewidth": 1.1, "linestyle": {"dash": "--", "dot": ":"}.get(style, "-")}
        times = np.array([at for at, _ in each["points"]])
        values = np.array([value for _, value in each["points"]]) * (100 if percent else 1)
        if "stacking" in custom and "custom.stacking" not in own:
            bottom = np.array([base.get(at, 0) for at in times])
            values = values + bottom
            base |= dict(zip(times, values))
            axes.fill_between(times / 60, bottom, values, color=color, alpha=0.3, linewidth=0)
        axes.plot(times / 60, values, **look)
    axes.set_ylim(bottom=0)
    in_one_row = sum(len(each["legend"]) + 6 for each in series) < LEGEND_LETTERS
    look = {"fontsize": 7, "frameon": False, "handlelength": 1.5, "columnspacing": 0.9, "handletextpad": 0.4}
    axes.legend(loc="upper left", bbox_to_anchor=(-0.04, -0.09), ncols=len(series) if in_one_row else 2, **look)


def main():
    figures, picture = sys.argv[1:]
    panels = json.load(open(figures))
    plt.rcParams |= {"font.family": "DejaVu Sans", "font.size": 7.5, "axes.edgecolor": "#bbbbbb", "axes.linewidth": 0.8}
    rows = -(-len(panels) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(3.3 * COLUMNS, 2.6 * rows))
    figure.subplots_adjust(left=0.035, right=0.99, top=0.965, bottom=0.075, wspace=0.17, hspace=0.46)
    for axes, each in zip(grid.flat, panels):
        panel, series = each["panel"], each["series"]
        unit = unit_of(panel)
        axes.set_title(panel["title"] + (f", {unit}" if unit else ""), loc="left", fontsize=8.5, fontweight="bold", color="#333333")
        if panel["type"] == "heatmap":
            heat_map(axes, series)
        else:
            lines(axes, panel, series)
            axes.grid(color="#e8e8e8", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(color="#bbbbbb", labelcolor="#444444")
        axes.set_axisbelow(True)
        axes.xaxis.set_major_formatter("{x:g} min")
        axes.xaxis.set_major_locator(MultipleLocator(1))
        if unit == "":
            axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=125, facecolor="white")
    Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main()
