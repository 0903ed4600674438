"""The page that shows the API: under the node's own content security policy, asking nobody else."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from devnet.cluster import Cluster

pytestmark = pytest.mark.peers

WATCH = "window.violations = []; addEventListener('securitypolicyviolation', one => window.violations.push(one.sample))"


def test_an_operation_is_shown_and_asked_and_no_policy_is_violated(open_chain: Cluster, page: Page) -> None:
    page.add_init_script(WATCH)
    page.goto(open_chain.url("node1") + "/docs")

    for path in ("/v1/status", "/v1/assets/{asset}/history", "/v1/transactions"):
        page.locator(f'[data-path="{path}"]').first.click()
    status = page.locator("#operations-open-get_status")
    expect(status).to_contain_text("What this node is doing")
    status.get_by_role("button", name="Try it out").click()
    status.get_by_role("button", name="Execute").click()
    expect(status.locator(".live-responses-table")).to_contain_text('"chain"')
    expect(page.locator("#operations-transactions-post_transactions")).to_contain_text("NOT_CANONICAL")
    page.get_by_role("button", name="Schemas").click()

    assert page.evaluate("window.violations") == []


def test_the_description_that_is_shown_is_the_nodes_own(open_chain: Cluster, page: Page) -> None:
    with page.expect_response("**/openapi.json") as fetched:
        page.goto(open_chain.url("node1") + "/docs")

    described = json.loads(fetched.value.body())
    operations = sum(len(methods) for methods in described["paths"].values())
    expect(page.locator(".opblock")).to_have_count(operations)


def test_without_javascript_the_page_says_where_the_description_is(open_chain: Cluster, chromium: object) -> None:
    context = chromium.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    tab = context.new_page()
    tab.goto(open_chain.url("node1") + "/docs")

    expect(tab.get_by_role("link", name="/openapi.json")).to_be_visible()
    context.close()
