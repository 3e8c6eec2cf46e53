"""Consent's cells: the keys under which what a user has said of tools is stored."""

from __future__ import annotations

from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.consent_settings import (
    CONSENT_SETTINGS,
    SETTINGS_ID,
    ConsentSettings,
)
from turnkeep_domain.consent.owners import owner_scope
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES, ToolPolicy
from turnkeep_domain.keys import Key, key
from turnkeep_domain.scope import Scope


def policy_key(scope: Scope, capability: CapabilityId) -> Key[ToolPolicy]:
    """Where the policy of a tool is stored, for any scope of the user.

    Raises:
        InvalidValue: The scope is none in which work is done, or the name is no identifier.
    """
    return key(TOOL_POLICIES, owner_scope(scope), capability)


def settings_key(scope: Scope) -> Key[ConsentSettings]:
    """Where the consent settings of a user are stored, for any scope of theirs.

    Raises:
        InvalidValue: The scope is none in which work is done.
    """
    return key(CONSENT_SETTINGS, owner_scope(scope), SETTINGS_ID)
