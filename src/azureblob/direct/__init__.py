"""Direct uploads: the browser sends files to the quarantine container, a private one.

The site signs the request, inspects what has arrived, and has the service copy it to its place.
"""
