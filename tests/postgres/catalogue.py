"""A catalogue: everything that a database's schema consists of, as text that can be compared."""

from __future__ import annotations

from typing import Final

import psycopg

QUESTIONS: Final = (
    "SELECT format('%s.%s %s null=%s default=%s collation=%s', c.relname, a.attname,"
    " format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid),"
    " l.collname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " LEFT JOIN pg_collation l ON l.oid = a.attcollation"
    " WHERE c.relnamespace = 'turnkeep'::regnamespace AND c.relkind IN ('r', 'c')"
    " AND NOT a.attisdropped ORDER BY c.relname, a.attnum",
    "SELECT pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relnamespace = 'turnkeep'::regnamespace ORDER BY 1",
    "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'turnkeep'::regnamespace ORDER BY 1",
    "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'turnkeep'::regnamespace"
    " ORDER BY 1",
    "SELECT c.relname || coalesce(array_to_string(c.reloptions, ','), '') FROM pg_class c"
    " WHERE c.relnamespace = 'turnkeep'::regnamespace ORDER BY 1",
    "SELECT number || name || encode(digest, 'hex') FROM turnkeep.migration ORDER BY number",
)


def schema_of(url: str) -> list[str]:
    """What a schema is made of."""
    with psycopg.connect(url, autocommit=True) as connection:
        return [
            line
            for question in QUESTIONS
            for (line,) in connection.execute(question.encode()).fetchall()
        ]
