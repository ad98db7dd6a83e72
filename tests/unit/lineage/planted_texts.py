"""Texts with a secret or with a value out of a row, as they get into events."""

from __future__ import annotations

PLANTED = "hunter2-planted"

SQL_ERROR = f"""(psycopg.errors.NotNullViolation) null value in column "late" violates not-null constraint
DETAIL:  Failing row contains (17, {PLANTED}, null).
[SQL: INSERT INTO people (id, name) VALUES (%(id)s, %(name)s)]
[parameters: {{'id': 17, 'name': '{PLANTED}', 'list': [1, 2]}}]
(Background on this error at: https://sqlalche.me/e/20/gkpj)"""

ERRORS = [
    SQL_ERROR,
    f"ERROR: duplicate key value\nDETAIL: Key (email)=({PLANTED}) already exists.\nmore",
    f"new row: Failing row contains (1, {PLANTED}).",
    f"new row: Failing row contains (1, a\n  b\n{PLANTED}).\nmore {PLANTED}",
    f"x [parameters: ('{PLANTED}', ']', 3)]",
    f"x\n[parameters: ('a',\n'b]\n{PLANTED}')]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)",
    f'COPY failed\nCONTEXT:  COPY people, line 3, column name: "{PLANTED}"',
    f'invalid input syntax for type integer: "{PLANTED}"\nLINE 1: SELECT {PLANTED}\n               ^',
    f'Constraint Error: Duplicate key "email: {PLANTED}" violates unique constraint.',
    f'Constraint Error: Duplicate key "email: a"b{PLANTED}c" d" violates unique constraint.',
    f"Conversion Error: Could not convert string '{PLANTED}' to INT32",
    f"KeyError: '{PLANTED}'",
    f"bytes: b's {PLANTED}'",
    f"""KeyError: "it's {PLANTED}\"""",
    f"could not convert string to float: '{PLANTED}",
    f"the column 'late' isn't '{PLANTED}'",
    f"(pymysql.err.IntegrityError) (1062, \"Duplicate entry '{PLANTED}' for key 'people.email'\")",
    f"x\n[SQL: INSERT INTO people VALUES ('{PLANTED}', E'it\\'s {PLANTED}')]",
    f"CSV Error on Line: 3\nOriginal Line: 1,{PLANTED},2\nPossible fixes:",
]

SECRETS = [
    f"postgresql://me:{PLANTED}@db:5432/x",
    f"postgresql://me:a/{PLANTED}@b/{PLANTED}@db:5432/x",
    f"https://{PLANTED}@host/path",
    f"git+https://{PLANTED}@host/path",
    f"http://host:8080/x?to=http://me:{PLANTED}@host",
    f"see http://u:{PLANTED}@proxy/path and postgres+psycopg://:{PLANTED}@h",
    f'{{"a": "http://u:{PLANTED}@h", "b": "x@y"}}',
    f"https://host/x?api_key={PLANTED}&y=1",
    f"md:db?motherduck_token={PLANTED}",
    f"user=me password={PLANTED} host=db",
    f"user=me password='a {PLANTED}' host=db",
    f'{{"conn_type": "postgres", "password": "a\\"{PLANTED} b"}}',
    f'"{{\\"api-key\\": \\"a {PLANTED} b\\"}}"',
    f"AWS_SECRET_ACCESS_KEY={PLANTED}",
    f"Authorization: Bearer {PLANTED}",
    f"Authorization: Basic {PLANTED}",
    f"curl -H 'authorization: {PLANTED}'",
    f"Bearer {PLANTED}",
    f"ALTER USER me PASSWORD '{PLANTED}'",
]
