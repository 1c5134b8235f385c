"""What becomes of requests after they ended: remembered one by one, summed up by hour and day, shown to people.

- `facts.py`     a relay that ended as a row
- `recorder.py`  the service that stores such rows, a little later and many at once
- `sums.py`      the service that sums the log up by hour and day
- `figures.py`   use, cost, errors and waiting times for charts and tables
- `log.py`       the log as people page through it, and its export
- `request.py`   one request in detail
- `channels.py`  how channels have done lately
"""
