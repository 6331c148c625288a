"""Straight from the browser to blob storage, by way of a container that nobody reads.

The server signs, the browser sends, the server looks at what came and moves it to its place.
"""
