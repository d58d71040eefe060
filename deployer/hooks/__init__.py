"""What git's hooks do when git calls them, and how they get into a repository.

    pushed       what is pushed: refs by a strict pattern, and push options
    receive      pre-receive: refuses what does not validate, shows the plan
    deploy       post-receive: whether there is something to deploy
    gate         proc-receive: the branch moves once its deploy has succeeded
    deployment   the deploy itself, and what the pusher is told of it
    run_log      the deploy outlives the pusher: a process of its own, and the log that is followed
    install      hooks into a repository and out again, with what was there before
    environment  what of the pusher's environment counts

What a pusher can name (refs, options, paths, messages) is data here, never a part of a command.
"""
