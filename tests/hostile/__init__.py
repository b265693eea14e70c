"""Tasks that do harm, as text: a probe is the body of ``async def probe(ctx, ext)``.

A probe that fails to do harm raises; what it returns is what it got hold of. Where only Pyodide
has what a probe needs, CPython's canaries leave it out.
"""
