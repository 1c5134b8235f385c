"""What the API answers, as models: for the document and for tests that hold answers to it.

Views answer with plain values, so nothing here runs while a request is served.
"""
