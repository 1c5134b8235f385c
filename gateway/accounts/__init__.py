"""Accounts and what belongs to them: signing in, people, tokens, codes, logs. Rules live here, not in views.

Every function takes the `Services` and the acting `User`, and raises `Refused` with words for that person.
"""
