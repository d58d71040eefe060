"""Put containers and Swarm tasks into Consul's catalogue: the successor of gliderlabs/registrator.

    flags       argv -> Options                              pure
    container   what the engine says -> Container            pure
    services    Container + Options -> Service, ...          pure (with metadata, tags, template, address, checks, mesh)
    events      an event -> what is to be done               pure
    diff        wanted and registered -> operations          pure
    engine      docker-py: events, inspect                   edge
    agent       py-consul: the agent that the URI names      edge
    wire        bounds what both of them read                edge
    run         the loop
    api         the one door for the rest of deployer

It stands beside `workflow` and runs in an image of its own: it imports docker, consul, `deployer.errors`,
`deployer.startup`, `deployer.template` and five modules of `deployer.model` (address, nearest, path, printable, registration), nothing
else of deployer.
"""
