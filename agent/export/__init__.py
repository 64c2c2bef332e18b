"""The workshop: makes `agent/denoise/dfn2.onnx` out of the DeepFilterNet2 checkpoint, and holds the reference for tests.

Needs the extra `model` (torch, deepfilternet, onnx). Nothing of it is imported by a running agent.
"""
