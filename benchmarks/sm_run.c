/* Runs requests on a SavedModel through TensorFlow's C API: a serving engine without Python.

   sm_run MODEL_DIR < script, the script being lines of words

     in  OPERATION OUTPUT DTYPE FILE RANK DIMS...   feeds a tensor, its bytes from a file
     out OPERATION OUTPUT FILE                      fetches a tensor, its bytes to a file
     run                                            runs what was named since the last run or keep
     keep                                           keeps it as a request for load instead
     load SECONDS EVERY THREADS                     sends the kept requests in turn, over and over

   DTYPE is the number of the type in TensorFlow's protos. For each fetch of run a line
   `FILE DIMS...` is printed; under load a line `SECONDS REQUESTS P50 P99 RSS` every EVERY seconds:
   since the start, the requests answered since the last line, their latency in milliseconds, the
   memory of the process in KiB. Before the start each request is answered once, as TensorFlow
   prepares a signature when it is first asked for; a line for that comes first, of 0 seconds.
   The first error is printed on stderr, and ends the program with 1. */

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tensorflow/c/c_api.h"

enum { MAX = 16, REQUESTS = 64, PATH = 1024, BUCKETS = 2048, PER_E = 100 };

typedef struct {
  TF_Output inputs[MAX], outputs[MAX];
  TF_Tensor *fed[MAX];
  char paths[MAX][PATH];
  int num_inputs, num_outputs;
} Request;

static TF_Graph *graph;
static TF_Session *session;
static Request kept[REQUESTS];
static int num_kept;
static atomic_bool stopped;
/* Latencies on a scale of steps of 1/PER_E in the logarithm of microseconds: no memory grows. */
static atomic_long latencies[BUCKETS];

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "sm_run: %s: %s\n", what, detail);
  exit(1);
}

static void check(const char *what, const TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

static TF_Output find_output(const char *name, int index) {
  TF_Output output = {TF_GraphOperationByName(graph, name), index};
  if (output.oper == NULL) fail("no such operation", name);
  return output;
}

static TF_Tensor *read_tensor(int dtype, const char *path, const int64_t *dims, int rank) {
  size_t bytes = TF_DataTypeSize((TF_DataType)dtype);
  for (int i = 0; i < rank; i++) bytes *= (size_t)dims[i];
  TF_Tensor *tensor = TF_AllocateTensor((TF_DataType)dtype, dims, rank, bytes);
  FILE *file = fopen(path, "rb");
  if (file == NULL || fread(TF_TensorData(tensor), 1, bytes, file) != bytes) fail("read", path);
  fclose(file);
  return tensor;
}

static void write_tensor(const TF_Tensor *tensor, const char *path) {
  size_t bytes = TF_TensorByteSize(tensor);
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(TF_TensorData(tensor), 1, bytes, file) != bytes) fail("write", path);
  fclose(file);
  printf("%s", path);
  for (int i = 0; i < TF_NumDims(tensor); i++) printf(" %lld", (long long)TF_Dim(tensor, i));
  printf("\n");
}

static void load_model(const char *directory) {
  const char *tags[] = {"serve"};
  TF_Status *status = TF_NewStatus();
  TF_SessionOptions *options = TF_NewSessionOptions();
  graph = TF_NewGraph();
  session = TF_LoadSessionFromSavedModel(options, NULL, directory, tags, 1, graph, NULL, status);
  check("load", status);
  TF_DeleteSessionOptions(options);
  TF_DeleteStatus(status);
}

static void read_input(Request *request) {
  char name[PATH], path[PATH];
  int index, dtype, rank;
  int64_t dims[MAX];
  if (scanf("%1023s %d %d %1023s %d", name, &index, &dtype, path, &rank) != 5 || rank > MAX)
    fail("script", "in");
  for (int i = 0; i < rank; i++) {
    long long dim;
    if (scanf("%lld", &dim) != 1) fail("script", "in");
    dims[i] = dim;
  }
  request->inputs[request->num_inputs] = find_output(name, index);
  request->fed[request->num_inputs++] = read_tensor(dtype, path, dims, rank);
}

static void read_output(Request *request) {
  char name[PATH];
  int index;
  if (scanf("%1023s %d %1023s", name, &index, request->paths[request->num_outputs]) != 3)
    fail("script", "out");
  request->outputs[request->num_outputs++] = find_output(name, index);
}

/* Runs a request and writes what it fetches, or throws it away. */
static void answer(const Request *request, int write, TF_Status *status) {
  TF_Tensor *fetched[MAX];
  TF_SessionRun(session, NULL, request->inputs, request->fed, request->num_inputs,
                request->outputs, fetched, request->num_outputs, NULL, 0, NULL, status);
  check("run", status);
  for (int i = 0; i < request->num_outputs; i++) {
    if (write) write_tensor(fetched[i], request->paths[i]);
    TF_DeleteTensor(fetched[i]);
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void answer_in_time(const Request *request, TF_Status *status) {
  double start = now();
  answer(request, 0, status);
  int bucket = (int)(PER_E * log(fmax(1.0, 1e6 * (now() - start))));
  atomic_fetch_add(&latencies[bucket < BUCKETS ? bucket : BUCKETS - 1], 1);
}

static void *client(void *unused) {
  TF_Status *status = TF_NewStatus();
  for (int i = 0; !atomic_load(&stopped); i = (i + 1) % num_kept)
    answer_in_time(&kept[i], status);
  TF_DeleteStatus(status);
  return unused;
}

static double quantile(const long *counts, long total, double share) {
  long below = 0;
  int bucket = 0;
  while (bucket < BUCKETS - 1 && (below += counts[bucket]) < share * (double)total) bucket++;
  return exp((bucket + 0.5) / PER_E) / 1000.0;
}

static long resident_kib(void) {
  long pages = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld %ld", &pages, &resident) != 2) fail("read", "statm");
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void report(double seconds) {
  long counts[BUCKETS], total = 0;
  for (int i = 0; i < BUCKETS; i++) total += counts[i] = atomic_exchange(&latencies[i], 0);
  printf("%.1f %ld %.3f %.3f %ld\n", seconds, total, quantile(counts, total, 0.5),
         quantile(counts, total, 0.99), resident_kib());
  fflush(stdout);
}

static void load(TF_Status *status) {
  pthread_t clients[MAX];
  double seconds, every;
  int threads;
  if (scanf("%lf %lf %d", &seconds, &every, &threads) != 3 || threads < 1 || threads > MAX ||
      num_kept == 0)
    fail("script", "load");
  for (int i = 0; i < num_kept; i++) answer_in_time(&kept[i], status);
  report(0.0);
  double start = now();
  for (int i = 0; i < threads; i++) {
    if (pthread_create(&clients[i], NULL, client, NULL)) fail("load", "no thread");
  }
  for (double next = every; next <= seconds + 1e-3; next += every) {
    double rest = fmax(0.0, start + next - now());
    struct timespec pause = {(time_t)rest, (long)(1e9 * fmod(rest, 1.0))};
    nanosleep(&pause, NULL);
    report(now() - start);
  }
  atomic_store(&stopped, 1);
  for (int i = 0; i < threads; i++) pthread_join(clients[i], NULL);
}

int main(int argc, char **argv) {
  static Request request;
  char word[16];

  if (argc != 2) fail("usage", "sm_run MODEL_DIR < script");
  load_model(argv[1]);
  TF_Status *status = TF_NewStatus();
  while (scanf("%15s", word) == 1) {
    if (request.num_inputs == MAX || request.num_outputs == MAX) fail("script", "many tensors");
    if (strcmp(word, "in") == 0) {
      read_input(&request);
    } else if (strcmp(word, "out") == 0) {
      read_output(&request);
    } else if (strcmp(word, "run") == 0) {
      answer(&request, 1, status);
      for (int i = 0; i < request.num_inputs; i++) TF_DeleteTensor(request.fed[i]);
      request.num_inputs = request.num_outputs = 0;
    } else if (strcmp(word, "keep") == 0) {
      if (num_kept == REQUESTS) fail("script", "many requests");
      kept[num_kept++] = request;
      request.num_inputs = request.num_outputs = 0;
    } else if (strcmp(word, "load") == 0) {
      load(status);
    } else {
      fail("script", word);
    }
  }
  TF_CloseSession(session, status);
  check("close", status);
  return 0;
}
