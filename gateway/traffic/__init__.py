"""What becomes of requests after they ended: remembered one by one, summed up by hour and day, shown to people.

- `facts.py`     a relay that ended as a row
- `recorder.py`  the service that stores such rows, a little later and many at once
- `sums.py`      the service that sums the log up by hour and day
- `sources.py`   where figures come from: sums, tallies, the log
- `figures.py`   use, cost, errors and waiting times for charts and tables
- `log.py`       the log as people page through it
- `totals.py`    what a filter of the log comes to, and how it spreads over time
- `export.py`    the log as a file
- `request.py`   one request in detail
- `curl.py`      the same request for a terminal
- `session.py`   what a client calls its conversation
- `channels.py`  how channels have done lately
"""
