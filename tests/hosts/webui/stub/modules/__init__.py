"""A stand-in for a WebUI's own modules: as much of their documented contract as an extension sees.

Written from the contract (hooks, their order and arguments; fields of the processing object; ids of components; routes)
and checked by running the same tests on real hosts; no line of a host is in it.
"""
