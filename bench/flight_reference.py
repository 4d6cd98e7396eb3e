"""The pyarrow side of the Flight benchmark: does what flight-peer.ts does, with pyarrow.flight."""

import json
import sys
import threading
import time

import pyarrow as pa
import pyarrow.flight as fl


class Server(fl.FlightServerBase):
    def __init__(self, file):
        super().__init__("grpc+tcp://127.0.0.1:0")
        with open(file, "rb") as source:
            large = pa.ipc.open_stream(source.read()).read_all()
        self.tables = {b"large": large, b"small": pa.table({"value": pa.array([1, 2, 3], pa.int32())})}

    def do_get(self, context, ticket):
        return fl.RecordBatchStream(self.tables[ticket.ticket])

    def do_put(self, context, descriptor, reader, writer):
        writer.write(str(reader.read_all().num_rows).encode())


def serve(file):
    server = Server(file)
    threading.Thread(target=server.serve, daemon=True).start()
    print("grpc+tcp://127.0.0.1:%d" % server.port, flush=True)
    sys.stdin.read()


def measure(location):
    client = fl.connect(location)
    table = client.do_get(fl.Ticket(b"large")).read_all()

    def put():
        writer, reader = client.do_put(fl.FlightDescriptor.for_path("x"), table.schema)
        writer.write_table(table)
        writer.done_writing()
        rows = int(reader.read().to_pybytes())
        writer.close()
        return rows

    work = {
        "get": lambda: client.do_get(fl.Ticket(b"large")).read_all().num_rows,
        "put": put,
        "small": lambda: client.do_get(fl.Ticket(b"small")).read_all().num_rows,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        name, times = line.split()
        start = time.perf_counter()
        for _ in range(int(times)):
            rows = work[name]()
        print(json.dumps({"seconds": time.perf_counter() - start, "rows": rows}), flush=True)


(serve if sys.argv[1] == "server" else measure)(sys.argv[2])
