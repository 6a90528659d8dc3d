"""Run applications on a Kubernetes cluster.

Names nothing here: who judges an object's health loads no client of a cluster.
"""
