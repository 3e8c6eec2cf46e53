"""What a tool's name says of the harm that it could do."""

import pytest

from turnkeep import Effect
from turnkeep_adapters.cli.demo.risk import Risk, is_secret, risk_of


@pytest.mark.parametrize(
    ("tool", "risk"),
    [
        ("send_money", Risk.MONEY),
        ("schedule_transaction", Risk.MONEY),
        ("refundPayment", Risk.MONEY),
        ("get_most_recent_transactions", Risk.LOOKS),
        ("listPayments", Risk.LOOKS),
        ("update_password", Risk.SECRETS),
        ("rotate-key", Risk.SECRETS),
        ("delete_account", Risk.DELETES),
        ("rm", Risk.DELETES),
        ("delete_payment", Risk.MONEY),
        ("send_direct_message", Risk.TALKS),
        ("invite_user_to_slack", Risk.TALKS),
        ("deploy", Risk.RUNS),
        ("add_user_to_channel", Risk.CHANGES),
        ("monkey_business", Risk.CHANGES),
        ("\u00e9", Risk.CHANGES),
        ("", Risk.CHANGES),
    ],
)
def test_the_gravest_word_of_a_name_decides(tool: str, risk: Risk) -> None:
    assert risk_of(tool) is risk


def test_money_secrets_and_deletions_are_grave() -> None:
    assert {risk for risk in Risk if risk.is_grave} == {Risk.MONEY, Risk.SECRETS, Risk.DELETES}


def test_every_risk_has_an_effect() -> None:
    assert all(risk.effects for risk in Risk)
    assert Risk.MONEY.effects == {Effect.FINANCIAL}


@pytest.mark.parametrize("name", ["password", "newPassword", "api_key", "otp"])
def test_a_field_that_names_a_secret_is_known(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["text", "monkey", "keyboard", ""])
def test_another_field_is_none(name: str) -> None:
    assert not is_secret(name)
