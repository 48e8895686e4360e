/* Runs requests on a SavedModel through TensorFlow's C API: a serving engine without Python.

   sm_run MODEL_DIR < script, the script being lines of words

     in  OPERATION OUTPUT DTYPE FILE RANK DIMS...   feeds a tensor, its bytes from a file
     out OPERATION OUTPUT FILE                      fetches a tensor, its bytes to a file
     run                                            runs what was named since the last run

   DTYPE is the number of the type in TensorFlow's protos. For each fetch a line `FILE DIMS...`
   is printed. The first error is printed on stderr, and ends the program with 1. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

enum { MAX = 16 };

static TF_Status *status;
static TF_Graph *graph;

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "sm_run: %s: %s\n", what, detail);
  exit(1);
}

static void check(const char *what) {
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

static TF_Session *load(const char *directory) {
  const char *tags[] = {"serve"};
  TF_SessionOptions *options = TF_NewSessionOptions();
  graph = TF_NewGraph();
  TF_Session *session =
      TF_LoadSessionFromSavedModel(options, NULL, directory, tags, 1, graph, NULL, status);
  check("load");
  TF_DeleteSessionOptions(options);
  return session;
}

int main(int argc, char **argv) {
  TF_Output inputs[MAX], outputs[MAX];
  TF_Tensor *fed[MAX], *fetched[MAX];
  char paths[MAX][1024], word[16], name[1024];
  int num_inputs = 0, num_outputs = 0, index;

  if (argc != 2) fail("usage", "sm_run MODEL_DIR < script");
  status = TF_NewStatus();
  TF_Session *session = load(argv[1]);
  while (scanf("%15s", word) == 1) {
    if (num_inputs == MAX || num_outputs == MAX) fail("script", "too many tensors");
    if (strcmp(word, "in") == 0) {
      int dtype, rank;
      int64_t dims[MAX];
      char path[1024];
      if (scanf("%1023s %d %d %1023s %d", name, &index, &dtype, path, &rank) != 5 || rank > MAX)
        fail("script", "in");
      for (int i = 0; i < rank; i++) {
        long long dim;
        if (scanf("%lld", &dim) != 1) fail("script", "in");
        dims[i] = dim;
      }
      inputs[num_inputs] = find_output(name, index);
      fed[num_inputs++] = read_tensor(dtype, path, dims, rank);
    } else if (strcmp(word, "out") == 0) {
      if (scanf("%1023s %d %1023s", name, &index, paths[num_outputs]) != 3) fail("script", "out");
      outputs[num_outputs++] = find_output(name, index);
    } else if (strcmp(word, "run") == 0) {
      TF_SessionRun(session, NULL, inputs, fed, num_inputs, outputs, fetched, num_outputs, NULL, 0,
                    NULL, status);
      check("run");
      for (int i = 0; i < num_outputs; i++) {
        write_tensor(fetched[i], paths[i]);
        TF_DeleteTensor(fetched[i]);
      }
      for (int i = 0; i < num_inputs; i++) TF_DeleteTensor(fed[i]);
      num_inputs = num_outputs = 0;
    } else {
      fail("script", word);
    }
  }
  TF_CloseSession(session, status);
  check("close");
  return 0;
}
