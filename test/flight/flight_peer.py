"""The pyarrow side of the interoperability tests: a Flight server, and a client that does what stdin says.

Prints one JSON line {"location": ...} at the start, then one JSON line for each JSON line read.
"""

import json
import sys
import threading
import time

import pyarrow as pa
import pyarrow.flight as fl


def types_table():
    """Every column type that Laurel uses, with nulls, in two batches."""
    schema = pa.schema(
        [
            pa.field("i32", pa.int32(), nullable=False),
            pa.field("i64", pa.int64(), nullable=False),
            pa.field("f32", pa.float32(), nullable=False),
            pa.field("f64", pa.float64(), nullable=False),
            pa.field("text", pa.utf8()),
            pa.field("name", pa.dictionary(pa.int32(), pa.utf8())),
            pa.field("observation", pa.list_(pa.field("item", pa.uint8(), nullable=False), 3), nullable=False),
            pa.field("raw", pa.binary(), nullable=False),
        ],
        metadata={"laurel.kind": "test", "note": "grüße"},
    )
    names = pa.array(["left", "right"])

    def batch(rows):
        start = rows[0]
        return pa.record_batch(
            [
                pa.array([row - 2 for row in rows], pa.int32()),
                pa.array([2**40 + row for row in rows], pa.int64()),
                pa.array([row / 2 for row in rows], pa.float32()),
                pa.array([row / 3 for row in rows], pa.float64()),
                pa.array([None if row % 3 == 1 else "ü€😀"[: row % 4] for row in rows], pa.utf8()),
                pa.DictionaryArray.from_arrays(pa.array([None if row == 2 else row % 2 for row in rows], pa.int32()), names),
                pa.FixedSizeListArray.from_arrays(pa.array([v % 256 for row in rows for v in (row, row + 1, row + 2)], pa.uint8()), type=schema.field("observation").type),
                pa.array([bytes(range(row)) for row in rows], pa.binary()),
            ],
            schema=schema,
        )

    return pa.Table.from_batches([batch(range(0, 5)), batch(range(5, 7))])


class Server(fl.FlightServerBase):
    def __init__(self):
        super().__init__("grpc+tcp://127.0.0.1:0")
        self.tables = {
            "types": types_table(),
            "empty": types_table().schema.empty_table(),
            "big": pa.table({"value": pa.array(range(700_000), pa.int64())}),
        }
        self.stopped_at = None

    def do_get(self, context, ticket):
        name = ticket.ticket.decode()
        if name == "endless":
            return fl.GeneratorStream(pa.schema([("value", pa.int64())]), self.endless())
        if name == "slow":
            time.sleep(30)
        if name not in self.tables:
            raise fl.FlightServerError("no table " + name)
        table = self.tables[name]
        return fl.RecordBatchStream(table if name != "big" else pa.Table.from_batches([table.combine_chunks().to_batches()[0]]))

    def endless(self):
        for number in range(1_000_000):
            self.stopped_at = number
            yield pa.record_batch([pa.array([number] * 1000, pa.int64())], names=["value"])

    def do_put(self, context, descriptor, reader, writer):
        table = reader.read_all()
        self.tables["/".join(part.decode() for part in descriptor.path)] = table
        writer.write(str(table.num_rows).encode())

    def info(self, name):
        table = self.tables[name]
        endpoint = fl.FlightEndpoint(name.encode(), ["grpc+tcp://127.0.0.1:%d" % self.port])
        return fl.FlightInfo(table.schema, fl.FlightDescriptor.for_path(name), [endpoint], table.num_rows, -1)

    def get_flight_info(self, context, descriptor):
        name = descriptor.command.decode() if descriptor.descriptor_type == fl.DescriptorType.CMD else descriptor.path[0].decode()
        return self.info(name)

    def get_schema(self, context, descriptor):
        return fl.SchemaResult(self.tables[descriptor.path[0].decode()].schema)

    def list_flights(self, context, criteria):
        return [self.info(name) for name in sorted(self.tables) if name.startswith(criteria.decode())]

    def do_action(self, context, action):
        if action.type == "stopped-at":
            return [str(self.stopped_at).encode()]
        return [action.body.to_pybytes(), b"done"]

    def list_actions(self, context):
        return [("echo", "answers its body")]


def plain(table):
    """Columns as JSON: bytes in hexadecimal."""
    columns = table.to_pydict()
    return {
        "rows": table.num_rows,
        "metadata": {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()},
        "types": {field.name: str(field.type) for field in table.schema},
        "columns": {name: [value.hex() if isinstance(value, bytes) else value for value in values] for name, values in columns.items()},
    }


def call_options(ask):
    headers = [(b"authorization", b"Bearer " + ask["token"].encode())] if "token" in ask else []
    return fl.FlightCallOptions(headers=headers, timeout=ask.get("timeout", 20))


def act(ask, held):
    """Does one thing as a client of the server at ask["location"]."""
    tls = {"tls_root_certs": ask["certificate"]} if "certificate" in ask else {}
    client = fl.connect(ask["location"], **tls)
    options = call_options(ask)
    do = ask["do"]
    if do == "get":
        table = client.do_get(fl.Ticket(ask["ticket"].encode()), options).read_all()
        table.validate(full=True)
        return plain(table) if ask.get("values", True) else {"rows": table.num_rows, "bytes": table.nbytes}
    if do == "put":
        table = types_table() if ask.get("table", "types") == "types" else pa.table({"value": pa.array(range(ask["rows"]), pa.int64())})
        writer, reader = client.do_put(fl.FlightDescriptor.for_path(*ask["path"]), table.schema, options)
        writer.write_table(table)
        writer.done_writing()
        acknowledgement = reader.read()
        writer.close()
        return {"acknowledgement": acknowledgement.to_pybytes().decode() if acknowledgement else None}
    if do == "info":
        info = client.get_flight_info(fl.FlightDescriptor.for_path(*ask["path"]), options)
        return describe(info)
    if do == "schema":
        return {"schema": str(client.get_schema(fl.FlightDescriptor.for_path(*ask["path"]), options).schema.names)}
    if do == "list":
        return [describe(info) for info in client.list_flights(ask.get("criteria", "").encode(), options)]
    if do == "action":
        return [result.body.to_pybytes().decode() for result in client.do_action((ask["type"], ask["body"].encode()), options)]
    if do == "actions":
        return [[action.type, action.description] for action in client.list_actions(options)]
    if do == "exchange":
        writer, reader = client.do_exchange(fl.FlightDescriptor.for_path("x"), options)
        with writer:
            writer.begin(pa.schema([("value", pa.int64())]))
            writer.done_writing()
            return reader.read_all().num_rows
    if do == "hold":
        # A slow reader: takes one batch, then nothing until it is told to go on.
        held["reader"] = client.do_get(fl.Ticket(ask["ticket"].encode()), fl.FlightCallOptions(timeout=60))
        held["client"] = client
        return {"rows": held["reader"].read_chunk().data.num_rows}
    raise ValueError(do)


def describe(info):
    return {
        "path": [part.decode() for part in info.descriptor.path],
        "names": info.schema.names,
        "rows": info.total_records,
        "bytes": info.total_bytes,
        "tickets": [endpoint.ticket.ticket.decode() for endpoint in info.endpoints],
        "locations": [location.uri.decode() for endpoint in info.endpoints for location in endpoint.locations],
    }


def main():
    server = Server()
    threading.Thread(target=server.serve, daemon=True).start()
    print(json.dumps({"location": "grpc+tcp://127.0.0.1:%d" % server.port}), flush=True)
    held = {}
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if ask["do"] == "resume":
                answer = {"rows": sum(chunk.data.num_rows for chunk in held["reader"])}
            elif ask["do"] == "cancel":
                held["reader"].cancel()
                answer = {}
            else:
                answer = act(ask, held)
        except Exception as error:  # What the peer raises is what the tests look at.
            answer = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)


main()
