"""What ministack does otherwise than AWS, corrected where wab, its tests or its runbook depend on it.

Each module is one subject, and names the AWS page it follows. docs/local-stack.md lists what is emulated and what
isn't. A module's `install` replaces functions of ministack in this process.
"""
