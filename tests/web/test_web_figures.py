"""The page of the figures, their weeks as CSV, and what Prometheus scrapes."""

import asyncio
import csv
import datetime as dt
import html
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from lastgood.core.figures import DEFINITIONS, Attempt, Figures, figures
from lastgood.web.figure_charts import LINE_Y, TOP_Y, lead_lines, recovery_marks
from lastgood.web.figure_tiles import tiles
from twins.html import Page
from twins.lastgood import NOW, judge_all, sample_attempts

WEEKS_13 = dt.timedelta(weeks=13)


@pytest.fixture
def page(browser, lastgood):
    """The page of a history of 120 deployments, asked for with some address."""
    lastgood.attempts = sample_attempts()

    def read(address="/figures"):
        answer = browser.get(address)
        assert answer.status_code == 200, answer.text[:300]
        return answer.text

    return read


def test_the_five_figures_stand_with_what_they_were_before(page):
    """13 weeks of a deployment every 18 hours: each figure has its number, and moved against the 13 weeks before."""
    shown = page()
    for words in ("1.3 <small>a day", "Lead time for changes", "Change fail rate", "Deployment rework rate"):
        assert words in shown
    assert shown.count('<article class="card tile">') == 5
    tiles = html.unescape(shown.partition('class="tiles"')[2].partition("</section>")[0])
    assert [words in tiles for words in DEFINITIONS.values()] == [True] * 5
    assert tiles.count("left out: ") == 2
    # The 13 weeks before have no five deployments: nothing is compared with them.
    assert "up from" not in page("/figures?weeks=52")
    assert "from" in page("/figures?weeks=4").partition("tiles")[2].partition("</section>")[0]


def test_a_week_alone_is_a_dot_on_the_chart_of_the_lead_time(lastgood, browser):
    """A line from a place to itself has only its round ends to be seen by."""
    lastgood.attempts = sample_attempts()
    assert 'class="line dot"' not in browser.get("/figures").text
    lastgood.attempts = sample_attempts(count=7)
    shown = browser.get("/figures").text
    for kind in ("line", "line2"):
        _, points = shown.split(f'<polyline class="{kind} dot" points="', 1)
        first, second = points.partition('"')[0].split()
        assert first == second


def test_nothing_known_is_never_shown_as_zero(browser):
    """Without a deployment every figure is not known, and says of how few; no chart is drawn of nothing."""
    shown = browser.get("/figures").text
    assert shown.count("Not known</p>") == 5
    assert "0 deployments, fewer than 5" in shown
    assert [words in html.unescape(shown) for words in DEFINITIONS.values()] == [True] * 5
    assert shown.count("left out: none") == 2
    assert "0.0%" not in shown.partition('class="tiles"')[2].partition("</section>")[0]
    assert "No deployment of this period failed." in shown


def test_failures_lead_to_their_records_and_to_what_ended_them(page):
    """The newest five, each with how long it was bad and the deployment that ended it; a rollback is named."""
    shown = page()
    table = shown.partition('id="failures-title"')[2].partition("</section>")[0]
    assert table.count("<tr>") == 6
    assert 'href="/apps/web-production/records/n116"' in table
    assert "a rollback" in table
    assert "a later version" in table
    marks = shown.partition('id="rt"')[2].partition("</svg>\n  </div>")[0]
    assert marks.count("<a href=") == len(recovery_marks(sample_figures(sample_attempts())).marks)


def test_a_failure_is_told_from_its_record_alone(lastgood, records, browser):
    """What went wrong is read from five records; nothing is rendered or looked for in Git for it."""
    failed = next(one for one in lastgood.entries if one.deployment and one.deployment.outcome == "failed")
    assert failed.deployment.message
    lastgood.attempts = [
        Attempt(
            app=failed.app,
            number=number,
            version=f"v{number}",
            trigger="commit",
            outcome="failed",
            started_at=NOW - dt.timedelta(days=1, minutes=number),
            finished_at=NOW - dt.timedelta(days=1, minutes=number),
            degraded_at=None,
        )
        for number in (failed.number, 1001, 1002, 1003, 1004, 1005)
    ]
    shown = browser.get("/figures").text
    assert failed.deployment.message in html.unescape(shown)
    assert shown.count("its record cannot be shown") == 4
    assert lastgood.calls == ["figures", "figures", "apps"]
    assert records.calls == ["deployment"] * 5


def test_the_form_keeps_what_was_chosen(page):
    """The period, the application and the division stay chosen, and their links keep each other."""
    shown = page("/figures?weeks=4&by=group&environment=production")
    assert "<option selected>production</option>" in shown
    assert "<option selected>group</option>" in shown
    assert 'href="/figures?weeks=13&amp;environment=production&amp;by=group"' in shown
    alone = page("/figures?app=web-production")
    assert "by itself" not in alone
    assert 'href="/apps/web-production/timeline?from=' in alone


@pytest.mark.parametrize("address", ["/figures?weeks=5", "/figures?by=colour", "/figures?weeks=1e9"])
def test_what_is_not_offered_is_refused(browser, address):
    """A period or a division of one's own is an error in words."""
    assert browser.get(address).status_code == 422


def test_an_application_that_is_not_there_is_told(browser):
    """A typo is 404, not five figures of nothing."""
    assert browser.get("/figures?app=wbe").status_code == 404


def test_the_weeks_come_as_csv(page, browser):
    """One line for each week, numbers as they are, empty where a figure is not known."""
    page()
    answer = browser.get("/figures.csv?weeks=4")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 4
    assert {int(row["deployments"]) for row in rows} <= {9, 10}
    assert all(float(row["lead_time_median_s"]) > 0 for row in rows)
    assert rows[0]["recovery_time_median_s"] == ""


def test_the_part_for_htmx_is_the_page_without_its_frame(page, browser):
    """The form's answer is the same part."""
    whole = page()
    part = browser.get("/figures", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert part.strip() in whole


def test_hostile_names_stay_text(lastgood, browser):
    """An application named like markup is shown, linked and never becomes markup."""
    lastgood.attempts = [
        Attempt(
            app='<b>"&',
            number=n,
            version=f"v{n}",
            trigger="commit",
            outcome="failed",
            started_at=NOW - dt.timedelta(days=n),
            finished_at=NOW - dt.timedelta(days=n),
            degraded_at=None,
        )
        for n in range(1, 8)
    ]
    shown = browser.get("/figures").text
    assert '<b>"&' not in shown
    assert "/apps/%3Cb%3E%22%26/records/n1" in shown
    Page(shown)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["succeeded", "failed", "partial"]),
            st.sampled_from(["commit", "rollback"]),
            st.floats(0, 91 * 86_400),
            st.floats(0, 1e9),
        ),
        max_size=60,
    )
)
def test_whatever_happened_is_drawn_inside_the_charts(attempts):
    """Lines, marks and bars stay within their frame, whatever the lengths of time."""
    made = [
        Attempt(
            app="web",
            number=number,
            version=f"v{number}",
            trigger=trigger,
            outcome=outcome,
            started_at=NOW - dt.timedelta(seconds=ago_s),
            finished_at=NOW - dt.timedelta(seconds=ago_s),
            degraded_at=None,
            committed=(NOW - dt.timedelta(seconds=ago_s + lead_s),) * 5,
        )
        for number, (outcome, trigger, ago_s, lead_s) in enumerate(attempts, start=1)
    ]
    found = sample_figures(made)
    for tile in tiles(found, found):
        assert all(0 <= bar.y <= 26 and bar.x >= 0 and bar.x + bar.width <= 100 for bar in tile.spark)
    lead, recovery = lead_lines(found), recovery_marks(found)
    points = [pair for run in (*lead.median, *lead.slowest) for pair in run.split()] if lead else []
    places = [tuple(map(float, pair.split(","))) for pair in points]
    places += [(mark.x, mark.y) for mark in recovery.marks] if recovery else []
    assert all(0 <= x <= 100 and TOP_Y - 0.1 <= y <= LINE_Y + 0.1 for x, y in places)


def test_prometheus_is_told_what_the_figures_say(lastgood, script):
    """Its own parser reads the answer: states, counters that agree with the records, figures that agree with ours."""
    lastgood.attempts = sample_attempts()
    answer = script.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    series = {
        (sample.name, sample.labels.get("application"), sample.labels.get("quantile")): sample
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    info = series["lastgood_application_info", "web-production", None]
    assert (info.labels["health"], info.labels["environment"], info.value) == (
        lastgood.views["web-production"].health,
        "production",
        1,
    )
    found = sample_figures(sample_attempts())
    for name, value in (
        ("deployments", found.deployments),
        ("failed_deployments", found.change_fail_rate.count),
        ("open_failures", found.open),
    ):
        assert series[f"lastgood_figures_{name}", "web-production", None].value == value
    assert series["lastgood_figures_lead_time_seconds", "web-production", "0.9"].value == found.lead_time.p90_s
    counted = [sample for key, sample in series.items() if key[:2] == ("lastgood_deployments_total", "web-production")]
    assert counted
    assert series["lastgood_problems", None, None].value == 1


def test_prometheus_needs_a_token_and_may_have_openmetrics(stranger, script):
    """A stranger is told nothing; a scraper that asks for OpenMetrics gets it."""
    assert stranger.get("/metrics").status_code == 401
    answer = script.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_the_figures_are_counted_once_a_minute(lastgood, script, clock):
    """Two scrapes within a minute count once; what changed since is counted after it."""
    for _ in range(2):
        script.get("/metrics")
    assert lastgood.calls.count("figures") == 1
    lastgood.attempts = sample_attempts()
    asyncio.run(clock.move(60))
    assert "lastgood_figures_deployments{" in script.get("/metrics").text


def sample_figures(attempts: list[Attempt]) -> Figures:
    """Count what is told of the 13 weeks until now."""
    period = {"since": NOW - WEEKS_13, "until": NOW}
    return figures(judge_all(attempts, **period), **period)
