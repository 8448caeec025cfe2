"""A look at the prepared data, in pictures: for the person who is about to train on it.

The sheet of duplicates shows faces from the user's own copy of the data: it is for their eyes, and
not to be published.
"""

import html
import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from datasets import Dataset
from PIL import Image

from age_model.labels import AGE_GROUP_NAMES, ETHNICITIES, GENDERS, NUM_AGES, AgeGroup, group_index
from train.data.sources.picture import MISSING

CLUSTERS_SHOWN, CLUSTERS_A_LINE = 24, 3
FACES_A_CLUSTER = 3
COLOURS = ("#2a6f97", "#e07a5f", "#81b29a", "#f2cc8f", "#6d597a")


def write(
    folder: Path, rows: Dataset, labels: pd.DataFrame, clusters: np.ndarray, summary: dict
) -> None:
    """Write figures and `index.html` to `folder`.

    Args:
        rows: all good pictures, image bytes included.
        labels: (N rows) their labels as read.
        clusters: (N,) int, near-duplicates share a number.
        summary: what `prepare` puts into report.json.
    """
    folder.mkdir()
    _ages_by_source(labels, folder / "ages.png")
    aged = labels[labels["age_low"] != MISSING]
    groups = group_index(aged["age_low"].to_numpy())
    _shares_by_group(groups, aged["gender"], GENDERS, "gender", folder / "gender.png")
    _shares_by_group(groups, aged["ethnicity"], ETHNICITIES, "ethnicity", folder / "ethnicity.png")
    has_sheet = _duplicate_sheet(rows, labels, clusters, folder / "duplicates.png")
    (folder / "index.html").write_text(_page(summary, has_sheet), encoding="utf-8")


def _ages_by_source(labels: pd.DataFrame, path: Path) -> None:
    figure, (points, intervals) = plt.subplots(2, 1, figsize=(9, 6), layout="constrained")
    is_point = labels["age_type"] == "point"
    points.bar(
        np.arange(NUM_AGES),
        np.bincount(labels["age_low"][is_point], minlength=NUM_AGES),
        width=0.9,
        color=COLOURS[0],
    )
    sources = ", ".join(sorted(set(labels["source"][is_point])))
    points.set_title(f"Ages in years ({sources}): {is_point.sum():,} faces")
    points.set(xlabel="age, years", ylabel="faces")
    is_interval = labels["age_type"] == "interval"
    counts = labels[is_interval].groupby(["age_low", "age_high"]).size()  # the groups as given
    names = [AgeGroup(low, high).name for low, high in counts.index]
    bars = intervals.bar(names, counts, color=COLOURS[1])
    intervals.bar_label(bars, [f"{count:,}" for count in counts], fontsize=8)
    intervals.margins(y=0.12)
    sources = ", ".join(sorted(set(labels["source"][is_interval])))
    intervals.set_title(f"Age groups ({sources}): {is_interval.sum():,} faces")
    intervals.set(xlabel="age group", ylabel="faces")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _shares_by_group(groups, classes: pd.Series, names, title: str, path: Path) -> None:
    known = (classes != MISSING).to_numpy()
    table = np.zeros((len(AGE_GROUP_NAMES), len(names)))
    np.add.at(table, (groups[known], classes[known]), 1)
    totals = table.sum(axis=1)
    shares = table / np.maximum(totals, 1)[:, None]
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    bottom = np.zeros(len(totals))
    for column, name in enumerate(names):
        axes.bar(
            AGE_GROUP_NAMES, shares[:, column], bottom=bottom, label=name, color=COLOURS[column]
        )
        bottom += shares[:, column]
    for x, total in enumerate(totals):
        axes.text(x, 1.01, f"{int(total):,}", ha="center", va="bottom", fontsize=8)
    axes.set(xlabel="age group", ylabel="share of faces", ylim=(0, 1.08))
    axes.set_title(f"Perceived {title} by age group, with the number of faces")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _duplicate_sheet(rows: Dataset, labels: pd.DataFrame, clusters, path: Path) -> bool:
    """The clusters with the widest spread of ages; False where there is no duplicate at all."""
    sizes = np.bincount(clusters)
    found = []
    for cluster in np.flatnonzero(sizes > 1):
        members = np.flatnonzero(clusters == cluster)
        found.append((int(np.ptp(labels["age_low"].to_numpy()[members])), members))
    found.sort(key=lambda item: -item[0])
    found = found[:CLUSTERS_SHOWN]
    if not found:
        return False
    lines = -(-len(found) // CLUSTERS_A_LINE)
    figure = plt.figure(figsize=(12, 1.6 * lines), layout="constrained")
    boxes = figure.subfigures(lines, CLUSTERS_A_LINE, squeeze=False, wspace=0.08).flat
    for box, (_, members) in zip(boxes, found, strict=False):
        for place, axes in enumerate(box.subplots(1, FACES_A_CLUSTER)):
            axes.axis("off")
            if place < len(members):
                i = int(members[place])
                axes.imshow(Image.open(io.BytesIO(rows[i]["image"]["bytes"])).convert("RGB"))
                low, high = labels["age_low"].iloc[i], labels["age_high"].iloc[i]
                years = f"{low}" if low == high else f"{low}-{high}"
                axes.set_title("no age" if low == MISSING else years, fontsize=9)
    figure.savefig(path, dpi=80)
    plt.close(figure)
    return True


def _page(summary: dict, has_sheet: bool) -> str:
    counts = pd.DataFrame(summary["pictures"]).fillna(0).astype(int).to_html()
    problems = "".join(
        f"<li>{html.escape(reason)}: {len(files)}<ul>"
        + "".join(f"<li>{html.escape(file)}</li>" for file in files)
        + "</ul></li>"
        for reason, files in summary["problems"].items()
    )
    repaired = "".join(
        f"<li>{html.escape(group)}: {count} labels</li>"
        for group, count in summary["repaired_groups"].items()
    )
    unknown = "".join(
        f"<li>{html.escape(label)}: {count} pictures</li>"
        for label, count in summary["unknown_labels"].items()
    )
    sheet = (
        '<img src="duplicates.png" alt="Duplicate clusters with their ages">' if has_sheet else ""
    )
    return f"""<!doctype html><meta charset="utf-8"><title>Prepared data</title>
<style>body{{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
img{{max-width:100%}} table{{border-collapse:collapse}}
td,th{{padding:.2rem .8rem;text-align:right}}
</style><h1>Prepared data</h1>
<p>This report shows faces from your own copy of the data sets. Keep it to yourself.</p>{counts}
<img src="ages.png" alt="Ages by source"><img src="gender.png" alt="Gender by age group">
<img src="ethnicity.png" alt="Ethnicity by age group">
<h2>Left out</h2><ul>{problems or "<li>nothing</li>"}</ul>
<h2>Labels that are not known</h2><ul>{unknown or "<li>none</li>"}</ul>
<h2>Age groups repaired</h2><ul>{repaired or "<li>none</li>"}</ul>
<h2>Near-duplicates</h2><p>{summary["duplicate_pairs"]:,} pairs in
{summary["duplicate_clusters"]:,} clusters; in {len(summary["conflicting_clusters"]):,} of them the
ages differ. Below, the clusters whose ages differ most.</p>{sheet}
"""
